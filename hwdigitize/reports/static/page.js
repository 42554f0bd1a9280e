// One page: step through the flags, zoom and drag the scan, turn to the next page.
"use strict";

const find = (id) => document.getElementById(id);
const sheet = find("sheet");
const paper = find("paper");
const flags = [...document.querySelectorAll(".flag")];
const say = (text) => (find("status").textContent = text);
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const behaviour = calm ? "auto" : "smooth";
let current = -1;
let zoom = 1;

// Width of the drawn page, in widths of its pane. What is in the middle stays there.
function zoomTo(factor, keep = true) {
  if (!paper) return;
  const old = zoom;
  zoom = Math.min(8, Math.max(0.25, factor));
  const x = sheet.scrollLeft + sheet.clientWidth / 2;
  const y = sheet.scrollTop + sheet.clientHeight / 2;
  paper.style.width = `${100 * zoom}%`;
  if (!keep) return;
  const grown = zoom / old;
  sheet.scrollLeft = x * grown - sheet.clientWidth / 2;
  sheet.scrollTop = y * grown - sheet.clientHeight / 2;
}

const boxOf = (number) => find(`box-${number}`);

function centre(box, how = behaviour) {
  if (!box) return;
  const at = box.getBoundingClientRect();
  const pane = sheet.getBoundingClientRect();
  sheet.scrollBy({
    left: at.left + at.width / 2 - pane.left - pane.width / 2,
    top: at.top + at.height / 2 - pane.top - pane.height / 2,
    behavior: how,
  });
}

// Draw the flag's box at four tenths of the pane, or go back to the whole width.
function zoomToFlag() {
  if (!paper) return;
  const box = boxOf(current + 1);
  if (zoom !== 1 || !box) return zoomTo(1);
  zoomTo((0.4 * sheet.clientWidth) / box.getBoundingClientRect().width, false);
  centre(box, "auto");
}

function show(place) {
  flags[current]?.classList.remove("current");
  boxOf(current + 1)?.classList.remove("current");
  current = place;
  const flag = flags[current];
  flag.classList.add("current");
  flag.focus({ preventScroll: true });
  flag.scrollIntoView({ block: "nearest", behavior: behaviour });
  boxOf(current + 1)?.classList.add("current");
  centre(boxOf(current + 1));
}

function step(by) {
  const place = current + by;
  if (!flags.length) say("No flag on this page. ] turns to the next page.");
  else if (place >= flags.length) say("That was the last flag. ] turns to the next page.");
  else show(Math.max(0, place));
}

function turn(id) {
  const link = find(id);
  if (link.href) location.href = link.href;
  else say("There is no further page.");
}

// Which page comes next is in the bundle's own file, so that this view is the same whatever others
// there are. The address names the bundle; without one, the report may have a single one.
const bundle = new URLSearchParams(location.search).get("in") ?? "all";
hwdigitize.added = () => {
  const [waiting, index, ids] = hwdigitize.order;
  const place = ids.indexOf(find("page").dataset.id);
  find("index").href = `../${index}`;
  if (place < 0) return;
  const count = (number) => number.toLocaleString("en");
  find("place").textContent =
    place < waiting
      ? `${count(place + 1)} of ${count(waiting)} that need a person`
      : "needs nobody";
  const link = (id, other) => {
    if (other) find(id).href = `${other}.html?in=${bundle}`;
  };
  link("previous", ids[place - 1]);
  link("next", ids[place + 1]);
};
if (/^[a-z0-9]+$/.test(bundle)) hwdigitize.load(`../data/${bundle}-order.js`);

function toggleBoxes() {
  const bare = paper?.classList.toggle("bare");
  find("boxes").setAttribute("aria-pressed", String(!bare));
}

for (const [place, flag] of flags.entries()) {
  flag.addEventListener("click", () => place !== current && show(place));
  flag.addEventListener("focus", () => place !== current && show(place));
}

// Links from the text, the table and the scan to a flag, and from a flag to the scan.
addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"], .marks a');
  const target = link?.getAttribute("href").match(/^#(?:flag|box)-(\d+)$/);
  if (!target) return;
  event.preventDefault();
  show(Number(target[1]) - 1);
});

if (paper) {
  const readout = find("readout");
  paper.addEventListener("pointerover", (event) => {
    readout.textContent = event.target.querySelector?.("title")?.textContent ?? "";
  });
  paper.addEventListener("pointerleave", () => (readout.textContent = ""));
  sheet.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoomTo(zoom * Math.exp(-event.deltaY / 300));
    },
    { passive: false },
  );

  let held = null;
  sheet.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType !== "mouse" || event.target === sheet) return;
    held = { x: event.clientX + sheet.scrollLeft, y: event.clientY + sheet.scrollTop };
  });
  addEventListener("pointermove", (event) => {
    if (!held) return;
    sheet.classList.add("held");
    sheet.scrollTo({
      left: held.x - event.clientX,
      top: held.y - event.clientY,
      behavior: "instant",
    });
  });
  addEventListener("pointerup", () => {
    held = null;
    sheet.classList.remove("held");
  });
  sheet.addEventListener("dragstart", (event) => event.preventDefault());
}

find("smaller").addEventListener("click", () => zoomTo(zoom / 1.4));
find("larger").addEventListener("click", () => zoomTo(zoom * 1.4));
find("fit").addEventListener("click", () => zoomTo(1));
find("boxes").addEventListener("click", toggleBoxes);
const dialog = find("all-keys");
const keysOn = find("keys-on");
keysOn.checked = hwdigitize.recall("keys") !== "off";
keysOn.addEventListener("change", () => hwdigitize.keep("keys", keysOn.checked ? "on" : "off"));
find("help").addEventListener("click", () => dialog.showModal());
find("close").addEventListener("click", () => dialog.close());

const next = () => step(1);
const previous = () => step(-1);
hwdigitize.onKeys({
  j: next,
  n: next,
  k: previous,
  p: previous,
  "]": () => turn("next"),
  "[": () => turn("previous"),
  "+": () => zoomTo(zoom * 1.4),
  "=": () => zoomTo(zoom * 1.4),
  "-": () => zoomTo(zoom / 1.4),
  0: () => zoomTo(1),
  z: zoomToFlag,
  b: toggleBoxes,
  t: () => hwdigitize.changeTheme(),
  i: () => turn("index"),
  "?": () => dialog.showModal(),
});
find("zoom").hidden = !paper;
find("keys").hidden = false;
const wanted = location.hash.match(/^#(?:flag|box)-(\d+)$/);
if (wanted && flags[wanted[1] - 1]) show(wanted[1] - 1);
