// Puts the parts together: the model, the page, the panel, the keys and the server.

import { Model, around } from "./model.js";
import { Panel } from "./panel.js";
import { View } from "./view.js";

const CHECK_AFTER_MS = 250;
const $ = (id) => document.getElementById(id);

async function post(path, data) {
  const answer = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data),
  });
  return [answer.status, await answer.json()];
}

let toasting = 0;

function toast(text, failed = false) {
  $("toast").textContent = text;
  $("toast").classList.toggle("failed", failed);
  $("toast").hidden = false;
  clearTimeout(toasting);
  toasting = setTimeout(() => { $("toast").hidden = true; }, failed ? 9000 : 2500);
}

async function start() {
  const model = new Model(await (await fetch("template")).json());
  const shapes = new Map();
  const shapesOf = (page) => {
    if (!shapes.has(page)) shapes.set(page, fetch(`shapes/${page}`).then((a) => a.json()));
    return shapes.get(page);
  };
  const view = new View(model, {
    view: $("view"), sheet: $("page"), blank: $("blank"), overlay: $("overlay"), fit: $("fit"),
  }, shapesOf);
  const panel = new Panel(model, {
    inspector: $("inspector"), list: $("list"), count: $("count"), general: $("general"),
  }, { frame: around, peek: (one) => { model.one = one; view.draw(); } });

  function draw() {
    const { template } = model;
    document.title = `${model.dirty ? "• " : ""}${template.title || template.id} – form template`;
    $("title").textContent = template.title || template.id;
    $("id").textContent = `${template.id} · version ${template.version}`;
    $("place").textContent = `Page ${model.page + 1} of ${template.pages.length}`;
    $("previous").disabled = model.page === 0;
    $("next").disabled = model.page === template.pages.length - 1;
    $("undo").disabled = !model.past.length;
    $("redo").disabled = !model.future.length;
    $("addbox").disabled = !model.field;
    $("add").setAttribute("aria-pressed", view.adding === "field");
    $("addbox").setAttribute("aria-pressed", view.adding === "box");
    $("save").disabled = !model.dirty;
    $("save").textContent = model.dirty ? "Save" : "Saved";
    view.draw();
    panel.draw();
  }

  let checking = 0;
  async function check() {
    const [, answer] = await post("check", { template: model.plain() });
    model.problems = answer.problems;
    draw();
  }

  async function save(force = false) {
    if (!model.dirty && !force) return;
    const text = model.text();
    try {
      const [status, answer] = await post("save", { template: JSON.parse(text), stamp: model.stamp, force });
      if (status === 409) {
        if (window.confirm("form.toml was changed by something else since it was opened here. Replace it? What it is now is kept as form.toml.bak.")) await save(true);
        return;
      }
      if (status !== 200) return toast(answer.error, true);
      model.stamp = answer.stamp;
      model.problems = answer.problems;
      model.saved = text;
      const left = answer.problems.length;
      toast(left ? `Saved, but ${left} ${left === 1 ? "mistake is" : "mistakes are"} left: no run takes it before they are mended` : "Saved");
    } catch {
      toast("Not saved: the editor was stopped in the terminal. Start it again; this page keeps your changes.", true);
    }
    draw();
  }

  model.addEventListener("choice", () => {
    draw();
    view.reveal();
    const { field } = model;
    if (field) $("said").textContent = `${field.name}, ${field.kind}, ${[...around(model.chosenBoxes())].join(", ")}`;
  });
  model.addEventListener("change", () => {
    draw();
    clearTimeout(checking);
    checking = setTimeout(() => check().catch(() => {}), CHECK_AFTER_MS);
  });
  model.addEventListener("named", () => panel.focusName());

  const clicks = {
    previous: () => model.turn(model.page - 1), next: () => model.turn(model.page + 1),
    add: () => { view.add("field"); draw(); }, addbox: () => { view.add("box"); draw(); },
    undo: () => model.undo(), redo: () => model.redo(),
    out: () => view.setZoom(view.zoom / 1.25), in: () => view.setZoom(view.zoom * 1.25),
    fit: () => { view.fitWidth(); draw(); },
    names: () => {
      const nameless = $("view").classList.toggle("nameless");
      $("names").setAttribute("aria-pressed", !nameless);
    },
    help: () => $("keys").showModal(), close: () => $("keys").close(), save: () => save(),
  };
  for (const [id, act] of Object.entries(clicks)) $(id).addEventListener("click", act);
  window.addEventListener("resize", () => draw());
  window.addEventListener("beforeunload", (event) => { if (model.dirty) event.preventDefault(); });
  document.addEventListener("keydown", (event) => onKey(event, { model, view, panel, draw, save, clicks }));
  draw();
  $("view").focus();
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function onKey(event, all) {
  const { model, save } = all;
  if ($("keys").open) {
    if (event.key === "Escape") $("keys").close();
    return;
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const command = event.ctrlKey || event.metaKey;
  const typing = ["INPUT", "SELECT"].includes(document.activeElement?.tagName);
  let done = true;
  if (command && key === "s") save();
  else if (command && key === "z") (event.shiftKey ? model.redo() : model.undo());
  else if (command && key === "y") model.redo();
  else if (key === "Escape") escape(all, typing);
  else if (typing) done = false;
  else if (key === "PageUp" || key === "PageDown") model.turn(model.page + (key === "PageUp" ? -1 : 1));
  else if (event.altKey && ARROWS[key]) model.reorder(ARROWS[key][1]);
  else if (!command && !event.altKey && plainKey(event, key, all)) done = true;
  else if (document.activeElement === $("view")) done = pageKey(event, key, all);
  else done = false;
  if (done) event.preventDefault();
}

function escape({ model, view, draw }, typing) {
  if (typing) $("view").focus();
  else if (view.adding) view.add(view.adding);
  else if (model.one !== null) return model.choose(model.key);
  else model.choose(null);
  draw();
}

// keys that work wherever nothing is typed; true where it was one
function plainKey(event, key, { model, clicks }) {
  const acts = {
    n: clicks.add, b: () => model.field && clicks.addbox(), d: () => model.duplicate(),
    l: clicks.names, "+": clicks.in, "=": clicks.in, "-": clicks.out, 0: clicks.fit, "?": clicks.help,
    "[": () => model.stepBox(-1), "]": () => model.stepBox(1), Delete: () => model.remove(),
  };
  if (!acts[key]) return false;
  acts[key]();
  return true;
}

// keys of the page itself: they would mean something else on a button
function pageKey(event, key, { model, view, panel }) {
  const by = event.ctrlKey || event.metaKey ? 10 : 1;
  if (key === "Tab") model.step(event.shiftKey ? -1 : 1);
  else if (key === "Backspace") model.remove();
  else if (key === "Enter" && view.adding) putInMiddle(model, view);
  else if (key === "Enter" && model.field) panel.focusName();
  else if (ARROWS[key] && model.field) {
    const [dx, dy] = ARROWS[key].map((step) => step * by);
    const boxes = model.chosenBoxes();
    const [left, top, right, bottom] = around(boxes);
    if (event.shiftKey) model.place(model.sized(boxes, [left, top, right + dx, bottom + dy]), "size");
    else model.place(model.moved(boxes, dx, dy), "move");
    view.reveal();
  } else return false;
  return true;
}

// a field for those who use no pointer: in the middle of what is seen
function putInMiddle(model, view) {
  const sheet = view.sheet.getBoundingClientRect();
  const seen = view.view.getBoundingClientRect();
  const [width, height] = model.size;
  const x = Math.round((seen.left + seen.width / 2 - sheet.left) / view.zoom);
  const y = Math.round((seen.top + seen.height / 2 - sheet.top) / view.zoom);
  const half = [Math.min(width / 8, 300), 45];
  const left = Math.round(Math.max(0, Math.min(x - half[0], width - 2 * half[0])));
  const top = Math.round(Math.max(0, Math.min(y - half[1], height - 2 * half[1])));
  view.put([[left, top, Math.round(left + 2 * half[0]), top + 2 * half[1]]]);
}

start().catch((error) => toast(`The template cannot be shown: ${error.message}`, true));
