// The index: search, filter, order and turn the list. Rows come from data/*-rows.js, a file a
// bundle, and are only ever set as text, so that markup in a name or a reading stays text.
"use strict";

const find = (id) => document.getElementById(id);
const list = find("pages");
const shown = Number(list.dataset.shown);
const state = { group: "", order: "need", query: "", start: 0 };
const groups = [...document.querySelectorAll(".group")].map((button) => button.dataset.group);
const keys = [
  "id", "folder", "name", "number", "group", "label", "flags", "words", "percent", "snippet",
  "message", "writer", "thumbnail", "turn", "place", "bundle",
];
const rows = hwdigitize.rows.map((values, order) => {
  const row = Object.fromEntries(keys.map((key, place) => [key, values[place]]));
  row.order = order;
  return row;
});
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
for (const row of rows) {
  row.found = plain(`${row.folder}/${row.name} ${row.message} ${row.snippet} ${row.writer}`);
}
const byId = new Map(rows.filter((row) => row.id).map((row) => [row.id, row]));
const need = (row) => groups.indexOf(row.group);
const orders = {
  need: (a, b) => need(a) - need(b) || b.flags - a.flags || a.order - b.order,
  file: (a, b) => a.order - b.order,
  unsure: (a, b) => (a.percent ?? 101) - (b.percent ?? 101) || orders.need(a, b),
};
let matching = rows;

// Texts of all pages are some megabytes, so they come when somebody first searches.
let textsWanted = false;
function wantTexts() {
  if (textsWanted) return;
  textsWanted = true;
  for (const bundle of list.dataset.bundles.split(" ")) hwdigitize.load(`data/${bundle}-texts.js`);
}
hwdigitize.added = (name) => {
  if (name !== "texts") return;
  for (const [id, text] of hwdigitize.texts.splice(0)) {
    const row = byId.get(id);
    if (row) row.found += " " + plain(text).replaceAll("\n", " ");
  }
  if (state.query) select();
};

const count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

function fill(row) {
  const item = find("row").content.firstElementChild.cloneNode(true);
  const set = (name, text) => (item.querySelector("." + name).textContent = text);
  item.className = `row ${row.group}`;
  if (row.id) item.querySelector("a").href = `pages/${row.id}.html?in=${row.bundle}`;
  if (row.thumbnail) {
    const image = new Image();
    Object.assign(image, { alt: "", loading: "lazy", decoding: "async", src: row.thumbnail });
    const frame = item.querySelector(".row-image");
    frame.dataset.turn = row.turn;
    frame.append(image);
  }
  set("row-folder", row.folder ? row.folder + "/" : "");
  set("row-name", row.name);
  set("row-number", row.number ? `page ${row.number}` : "");
  set("row-message", row.message);
  set("row-snippet", row.snippet);
  set("chip-text", row.label);
  item.querySelector(".chip").className = `chip ${row.group}`;
  item.querySelector(".chip use").setAttribute("href", `#i-${row.group}`);
  set("row-percent", row.percent === null ? "" : `${row.percent} % sure`);
  set("row-words", row.words ? count(row.words, "word", "words") : "");
  set("row-writer", row.writer);
  return item;
}

function draw() {
  const end = Math.min(state.start + shown, matching.length);
  list.replaceChildren(...matching.slice(state.start, end).map(fill));
  const total = matching.length.toLocaleString("en");
  const range = `${(state.start + 1).toLocaleString("en")}–${end.toLocaleString("en")}`;
  find("showing").textContent = matching.length ? `${range} of ${total}` : "nothing matches";
  find("where").textContent = `${range} of ${total}`;
  find("nothing").hidden = matching.length > 0;
  find("pager").hidden = matching.length <= shown;
  find("before").disabled = state.start === 0;
  find("after").disabled = end === matching.length;
  for (const button of document.querySelectorAll(".group")) {
    button.setAttribute("aria-pressed", String(button.dataset.group === state.group));
  }
  remember();
}

function select() {
  const words = plain(state.query).split(/\s+/).filter(Boolean);
  matching = rows.filter(
    (row) =>
      (!state.group || row.group === state.group) &&
      words.every((word) => row.found.includes(word)),
  );
  matching.sort(orders[state.order]);
  if (state.start >= matching.length) state.start = 0;
  draw();
}

// The address holds the state, so that coming back from a page finds the same list.
function remember() {
  const wanted = new URLSearchParams();
  if (state.group) wanted.set("show", state.group);
  if (state.order !== "need") wanted.set("order", state.order);
  if (state.query) wanted.set("find", state.query);
  if (state.start) wanted.set("from", String(state.start));
  const hash = wanted.toString();
  if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? "#" + hash : "#");
}

function recall() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (groups.includes(wanted.get("show"))) state.group = wanted.get("show");
  if (Object.hasOwn(orders, wanted.get("order") ?? "")) state.order = wanted.get("order");
  state.query = wanted.get("find") ?? "";
  state.start = Math.max(0, Math.floor(Number(wanted.get("from")) / shown) * shown || 0);
  find("search").value = state.query;
  find("order").value = state.order;
  if (state.query) wantTexts();
}

function change(what) {
  Object.assign(state, { start: 0 }, what);
  select();
}

function turn(step) {
  const start = state.start + step * shown;
  if (start < 0 || start >= matching.length) return;
  state.start = start;
  draw();
  list.focus({ preventScroll: true });
  find("tools").scrollIntoView();
}

function step(by) {
  const links = [...list.querySelectorAll("a[href]")];
  const place = links.indexOf(document.activeElement);
  const next = links[place < 0 ? (by > 0 ? 0 : links.length - 1) : place + by];
  if (!next) return;
  next.focus();
  next.closest("li").scrollIntoView({ block: "nearest" });
}

let pause = 0;
find("search").addEventListener("focus", wantTexts);
find("search").addEventListener("input", (event) => {
  clearTimeout(pause);
  pause = setTimeout(() => change({ query: event.target.value }), 120);
});
find("search").addEventListener("keydown", (event) => {
  if (event.key === "Escape") change({ query: (event.target.value = "") });
  if (event.key === "Enter" || event.key === "ArrowDown") step(1);
});
find("order").addEventListener("change", (event) => change({ order: event.target.value }));
find("before").addEventListener("click", () => turn(-1));
find("after").addEventListener("click", () => turn(1));
find("clear").addEventListener("click", () => {
  change({ group: "", query: (find("search").value = "") });
});
for (const button of document.querySelectorAll(".group")) {
  button.disabled = false;
  button.addEventListener("click", () => change({ group: button.dataset.group }));
}
hwdigitize.onKeys({
  "/": () => find("search").focus(),
  j: () => step(1),
  k: () => step(-1),
  "[": () => turn(-1),
  "]": () => turn(1),
  t: () => hwdigitize.changeTheme(),
});
find("tools").hidden = false;
recall();
select();
