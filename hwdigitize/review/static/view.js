// The page: its blank, the fields over it, and the pointer.

import { around, places } from "./model.js";

const SVG = "http://www.w3.org/2000/svg";
const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const CLICK_PX = 4;

function make(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent?.append(node);
  return node;
}

function rect(box, attributes, parent) {
  const [x, y, right, bottom] = box;
  return make("rect", { x, y, width: right - x, height: bottom - y, ...attributes }, parent);
}

export class View {
  constructor(model, nodes, shapesOf) {
    Object.assign(this, nodes); // view, sheet, blank, overlay, fit
    this.model = model;
    this.shapesOf = shapesOf; // page -> shapes found on the blank, a promise
    this.zoom = 0;
    this.adding = null; // "field", "box" or null
    this.shown = -1;
    this.overlay.addEventListener("pointerdown", (event) => this.#down(event));
    this.overlay.addEventListener("pointermove", (event) => this.#hover(event));
    this.view.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  // drawing

  draw() {
    const { model } = this;
    const [width, height] = model.size;
    if (this.shown !== model.page) {
      this.shown = model.page;
      this.blank.src = `blank/${model.page}`;
      this.blank.alt = `Empty page ${model.page + 1}`;
      this.overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
      if (!this.zoom) this.fitWidth();
    }
    this.blank.width = Math.round(width * this.zoom);
    this.blank.height = Math.round(height * this.zoom);
    this.fit.textContent = `${Math.round(this.zoom * 100)} %`;
    this.overlay.replaceChildren();
    for (const field of model.onPage) if (field.key !== model.key) this.#field(field);
    if (model.field?.page === model.page) this.#chosen(model.field);
  }

  #field(field) {
    const chosen = field.key === this.model.key;
    const wrong = this.model.problemsOf(field).length ? " wrong" : "";
    const group = make("g", { class: `k-${field.kind}${chosen ? " chosen" : ""}${wrong}`, "data-key": field.key }, this.overlay);
    places(field).forEach((box, i) => {
      const one = chosen && this.model.one === i ? " one" : "";
      rect(box, { class: `place${one}`, "data-place": i }, group);
      for (let n = 1; field.cells > 1 && n < field.cells; n += 1) {
        const x = box[0] + ((box[2] - box[0]) * n) / field.cells;
        make("line", { class: "cell", x1: x, x2: x, y1: box[1], y2: box[3] }, group);
      }
    });
    this.#tag(field, group);
    return group;
  }

  #tag(field, group) {
    const size = 11 / this.zoom;
    // to the right, as printed labels mostly begin above the left side or stand before it
    const [, top, right] = around(places(field));
    const tag = make("g", { class: "tag" }, group);
    const guess = size * (0.62 * field.name.length + 0.9);
    const y = top - size * 1.45 < 0 ? top : top - size * 1.45;
    const back = rect([0, y, guess, y + size * 1.45], { rx: size * 0.2 }, tag);
    const text = make("text", { y: y + size * 1.08, "font-size": size }, tag);
    text.textContent = field.name;
    const width = (text.getComputedTextLength() || guess) + size * 0.9;
    const left = Math.max(0, right - width);
    back.setAttribute("x", left);
    back.setAttribute("width", width);
    text.setAttribute("x", left + size * 0.45);
  }

  #chosen(field) {
    const group = this.#field(field);
    const frame = around(this.model.chosenBoxes());
    if (places(field).length > 1) rect(frame, { class: "frame" }, group);
    const half = 4.5 / this.zoom;
    for (const name of HANDLES) {
      const [x, y] = handleAt(frame, name);
      rect([x - half, y - half, x + half, y + half], {
        class: `handle ${name}`, "data-handle": name,
      }, group);
    }
  }

  // looking

  fitWidth() {
    const room = this.view.clientWidth - 44;
    this.zoom = Math.max(0.05, Math.min(4, room / this.model.size[0]));
  }

  setZoom(zoom, at = null) {
    const box = this.sheet.getBoundingClientRect();
    const view = this.view.getBoundingClientRect();
    const point = at ?? [view.left + view.width / 2, view.top + view.height / 2];
    const on = [(point[0] - box.left) / this.zoom, (point[1] - box.top) / this.zoom];
    this.zoom = Math.max(0.05, Math.min(4, zoom));
    this.draw();
    const now = this.sheet.getBoundingClientRect();
    this.view.scrollBy(now.left + on[0] * this.zoom - point[0], now.top + on[1] * this.zoom - point[1]);
  }

  reveal() {
    const { field } = this.model;
    if (!field) return;
    const [left, top, right, bottom] = around(this.model.chosenBoxes()).map((side) => side * this.zoom);
    const view = this.view.getBoundingClientRect();
    const sheet = this.sheet.getBoundingClientRect();
    const x = sheet.left - view.left;
    const y = sheet.top - view.top;
    const margin = 48;
    let dx = 0;
    let dy = 0;
    if (x + right > view.width - margin) dx = x + right - view.width + margin;
    if (x + left - dx < margin) dx = x + left - margin;
    if (y + bottom > view.height - margin) dy = y + bottom - view.height + margin;
    if (y + top - dy < margin) dy = y + top - margin;
    this.view.scrollBy(dx, dy);
  }

  #wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.setZoom(this.zoom * Math.exp(-event.deltaY / 400), [event.clientX, event.clientY]);
  }

  // the pointer

  add(what) {
    this.adding = this.adding === what ? null : what;
    this.view.classList.toggle("adding", Boolean(this.adding));
    if (this.adding) this.shapesOf(this.model.page); // found while the pointer moves there
    this.#hint(null);
  }

  #point(event) {
    const box = this.overlay.getBoundingClientRect();
    const [width, height] = this.model.size;
    return [
      Math.round(Math.max(0, Math.min((event.clientX - box.left) / this.zoom, width))),
      Math.round(Math.max(0, Math.min((event.clientY - box.top) / this.zoom, height))),
    ];
  }

  #down(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.view.focus({ preventScroll: true });
    const start = this.#point(event);
    if (this.adding) return this.#draw(event, start);
    const handle = event.target.dataset?.handle;
    if (handle) return this.#size(event, start, handle);
    const key = Number(event.target.closest?.("[data-key]")?.dataset.key ?? 0);
    if (!key) return this.model.choose(null);
    const place = Number(event.target.dataset.place ?? -1);
    const again = key === this.model.key;
    if (!again) this.model.choose(key);
    return this.#move(event, start, again ? place : -1);
  }

  #drag(event, moved, done) {
    this.overlay.setPointerCapture(event.pointerId);
    let far = false;
    const from = [event.clientX, event.clientY];
    const move = (e) => {
      far ||= Math.hypot(e.clientX - from[0], e.clientY - from[1]) > CLICK_PX;
      if (far) moved(this.#point(e));
    };
    const end = (e) => {
      this.overlay.removeEventListener("pointermove", move);
      this.overlay.removeEventListener("pointerup", end);
      this.overlay.removeEventListener("pointercancel", end);
      done(far, this.#point(e));
    };
    this.overlay.addEventListener("pointermove", move);
    this.overlay.addEventListener("pointerup", end);
    this.overlay.addEventListener("pointercancel", end);
  }

  #move(event, start, place) {
    const { model } = this;
    const boxes = model.chosenBoxes();
    const what = `drag ${event.timeStamp}`;
    this.#drag(event, (to) => {
      model.last.at = Date.now();
      model.place(model.moved(boxes, to[0] - start[0], to[1] - start[1]), what);
    }, (far) => {
      // a second click on a field chooses one of its boxes, a third all of them again
      if (!far && place >= 0 && places(model.field).length > 1) {
        model.choose(model.key, model.one === place ? null : place);
      }
    });
  }

  #size(event, start, handle) {
    const { model } = this;
    const boxes = model.chosenBoxes();
    const what = `size ${event.timeStamp}`;
    const frame = around(boxes);
    this.#drag(event, (to) => {
      const dx = to[0] - start[0];
      const dy = to[1] - start[1];
      const next = [...frame];
      if (handle.includes("w")) next[0] = Math.min(frame[0] + dx, frame[2] - 4);
      if (handle.includes("e")) next[2] = Math.max(frame[2] + dx, frame[0] + 4);
      if (handle.includes("n")) next[1] = Math.min(frame[1] + dy, frame[3] - 4);
      if (handle.includes("s")) next[3] = Math.max(frame[3] + dy, frame[1] + 4);
      model.last.at = Date.now();
      model.place(model.sized(boxes, next), what);
    }, () => {});
  }

  #draw(event, start) {
    const shape = rect([...start, ...start], { class: "drawn" }, this.overlay);
    const boxTo = (to) => [
      Math.min(start[0], to[0]), Math.min(start[1], to[1]),
      Math.max(start[0], to[0]), Math.max(start[1], to[1]),
    ];
    this.#drag(event, (to) => {
      const [x, y, right, bottom] = boxTo(to);
      for (const [name, value] of Object.entries({ x, y, width: right - x, height: bottom - y })) shape.setAttribute(name, value);
    }, async (far, to) => {
      shape.remove();
      const box = boxTo(to);
      if (far && box[2] - box[0] >= 4 && box[3] - box[1] >= 4) this.put([box]);
      else if (!far) {
        const found = await this.#shapeAt(start);
        if (found) this.put(found[1], found[0]);
      }
    });
  }

  // new boxes become a field, or more boxes of the one chosen
  put(boxes, shape = "box") {
    const what = this.adding;
    this.add(what);
    if (what === "box" && this.model.field) {
      boxes.forEach((box) => this.model.addBox(box));
      return;
    }
    const kind = { check: "mark", cells: "letters" }[shape] ?? "text";
    this.model.add(boxes, kind, shape === "cells" ? 1 : 0);
    this.model.say("named");
  }

  async #shapeAt([x, y]) {
    const shapes = await this.shapesOf(this.model.page);
    return shapes.find(([, boxes]) => {
      const [left, top, right, bottom] = around(boxes);
      return left <= x && x < right && top <= y && y < bottom;
    });
  }

  async #hover(event) {
    if (!this.adding || event.buttons) return;
    this.#hint(await this.#shapeAt(this.#point(event)));
  }

  #hint(shape) {
    this.overlay.querySelectorAll(".hint").forEach((node) => node.remove());
    if (shape && this.adding) for (const box of shape[1]) rect(box, { class: "hint" }, this.overlay);
  }
}

function handleAt([left, top, right, bottom], name) {
  const x = name.includes("w") ? left : name.includes("e") ? right : (left + right) / 2;
  const y = name.includes("n") ? top : name.includes("s") ? bottom : (top + bottom) / 2;
  return [x, y];
}
