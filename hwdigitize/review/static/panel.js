// The list of fields, and what the chosen one is.

import { CELLED, WRITTEN, places } from "./model.js";

const KIND_TIPS = {
  text: "free handwriting on one line", lines: "free handwriting on several lines",
  letters: "letters, in boxes or a comb", digits: "digits, kept as written: 007",
  number: "a number: 1234.50", date: "a date", time: "a time of day",
  choice: "check boxes, one or many", mark: "one box, ticked or not",
  signature: "signed or not", barcode: "a bar or QR code",
};
const FORMAT_TIPS = { date: "such as dd/mm/yyyy", time: "such as hh:mm" };

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

export class Panel {
  constructor(model, nodes, actions) {
    Object.assign(this, nodes); // inspector, list, count, general
    this.model = model;
    this.actions = actions;
    this.built = "";
    this.typing = null;
    this.inspector.addEventListener("submit", (event) => event.preventDefault());
  }

  draw() {
    this.#list();
    const { field } = this.model;
    this.inspector.hidden = !field;
    if (!field) { this.built = ""; return; }
    // while a person types, only what is around the fields changes
    const shape = JSON.stringify([field.key, field.kind, field.choices.length, this.model.one, this.model.template.pages.length]);
    if (shape !== this.built) {
      this.built = shape;
      this.inspector.replaceChildren(...this.#parts(field));
    }
    this.#fill(field);
  }

  #list() {
    const { model } = this;
    const { fields, pages } = model.template;
    const wrong = model.problems.length;
    this.count.textContent = `${fields.length}${wrong ? ` · ${wrong} to mend` : ""}`;
    const general = model.problems.filter((problem) => problem.field === null);
    this.general.hidden = !general.length;
    this.general.textContent = general.map((problem) => problem.message).join(" ");
    const rows = [];
    pages.forEach((_, page) => {
      if (pages.length > 1) rows.push(element("li", { class: "sheetname" }, `Page ${page + 1}`));
      fields.filter((field) => field.page === page).forEach((field) => rows.push(this.#row(field)));
    });
    const lost = fields.filter((field) => !pages[field.page]);
    this.list.replaceChildren(...rows, ...lost.map((field) => this.#row(field)));
    this.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  #row(field) {
    const bad = this.model.problemsOf(field).map((problem) => element("span", { class: "bad" }, problem.message));
    return element("li", {}, element("button", {
      type: "button", class: `k-${field.kind}`, "aria-current": field.key === this.model.key ? "true" : null,
      onclick: () => this.model.choose(field.key),
    }, element("span", { class: "dot" }), element("span", { class: "name" }, field.name || "(no name)"),
      element("span", { class: "kind" }, field.kind), ...bad));
  }

  // the inspector: built once a field, filled on every change

  #parts(field) {
    const parts = [this.#head(), element("div", { id: "mistakes" }),
      this.#text("Name", "name", "mono"), this.#text("Label", "label"), this.#kind(),
      this.#check("Required", "required")];
    if (field.kind === "choice") parts.push(this.#check("Several", "multiple"), this.#choices(field));
    if (CELLED.has(field.kind)) parts.push(this.#cells());
    if (WRITTEN.has(field.kind)) parts.push(...this.#grammar(field));
    parts.push(this.#page(), this.#box());
    return parts;
  }

  #head() {
    const button = (text, label, act) => element("button", { type: "button", class: "quiet", title: label, "aria-label": label, onclick: act }, text);
    return element("div", { class: "head" }, element("h2", {}, "Field"),
      button("↑", "Earlier in the results (Alt-Up)", () => this.model.reorder(-1)),
      button("↓", "Later in the results (Alt-Down)", () => this.model.reorder(1)),
      button("Copy", "Duplicate (D)", () => this.model.duplicate()),
      button("Delete", "Delete (Del)", () => this.model.remove()));
  }

  #labelled(label, control, tip = "") {
    return element("label", { class: "row" }, element("span", {}, label), control, tip ? element("span", { class: "tip" }, tip) : "");
  }

  #input(path, attributes, read) {
    const control = element(attributes.type === "select" ? "select" : "input", { "data-path": path, spellcheck: "false", ...attributes });
    control.addEventListener(control.type === "checkbox" || control.tagName === "SELECT" ? "change" : "input", () => {
      const value = read(control);
      this.typing = control; // what a person is writing is not written over
      this.model.change(`type ${path} ${this.model.key}`, () => write(this.model.field, path, value));
      this.typing = null;
    });
    return control;
  }

  #text(label, path, kind = "", tip = "", attributes = {}) {
    const empty = path.startsWith("grammar.") ? null : "";
    return this.#labelled(label, this.#input(path, { class: kind, ...attributes }, (control) => control.value.trim() || empty), tip);
  }

  #check(label, path) {
    return this.#labelled(label, this.#input(path, { type: "checkbox" }, (control) => control.checked));
  }

  #whole(label, path, tip) {
    return this.#labelled(label, this.#input(path, { type: "number", min: 0, step: 1 }, (control) => Math.max(0, Math.trunc(Number(control.value) || 0))), tip);
  }

  #select(label, path, options, empty) {
    const control = this.#input(path, { type: "select" }, (select) => select.value || null);
    control.append(...(empty ? [new Option(empty, "")] : []), ...options.map((option) => new Option(option, option)));
    return this.#labelled(label, control);
  }

  #kind() {
    const control = element("select", { "data-path": "kind", onchange: () => this.model.setKind(control.value) },
      ...this.model.kinds.map((kind) => new Option(kind, kind)));
    return this.#labelled("Kind", control, KIND_TIPS[this.model.field.kind] ?? "");
  }

  #cells() {
    return this.#whole("Cells a box", "cells", "0: not divided · 1: each box is one cell · more: a comb");
  }

  #grammar(field) {
    const parts = [];
    if (field.kind === "date" || field.kind === "time") parts.push(this.#text("Format", "grammar.format", "mono", FORMAT_TIPS[field.kind]));
    if (["number", "date", "time"].includes(field.kind)) {
      const bound = (path) => this.#input(path, { class: "mono" }, (control) => {
        const text = control.value.trim();
        return field.kind === "number" && text !== "" && Number.isFinite(Number(text)) ? Number(text) : text || null;
      });
      const pair = element("div", { class: "numbers" }, bound("grammar.minimum"), bound("grammar.maximum"));
      pair.style.setProperty("grid-template-columns", "1fr 1fr");
      pair.firstChild.setAttribute("aria-label", "Least");
      pair.lastChild.setAttribute("aria-label", "Most");
      parts.push(element("div", { class: "row" }, element("span", {}, "Least, most"), pair));
    }
    if (field.kind === "number") parts.push(this.#whole("Decimals", "grammar.decimals", "most digits after the point"));
    const values = this.#input("grammar.values", {}, (control) => control.value.split(",").map((v) => v.trim()).filter(Boolean));
    const more = [
      this.#text("Pattern", "grammar.pattern", "mono", "a regular expression for the whole value"),
      this.#labelled("Values", values, "what may be written, with commas between"),
      this.#text("Word list", "grammar.lexicon", "mono", "a file beside form.toml, a value a line"),
      this.#select("Check digit", "grammar.checksum", ["luhn", "mod11", "mod97"], "none"),
      this.#text("Language", "grammar.language", "", "such as en, fr or names"),
      this.#select("Case", "grammar.case", ["exact", "upper", "lower", "ignore"]),
    ];
    const used = Object.entries(field.grammar).some(([key, value]) => !["format", "minimum", "maximum", "decimals"].includes(key) && value !== null && value !== "exact" && value.length !== 0);
    parts.push(element("details", { open: used }, element("summary", {}, "What may be written"), ...more));
    return parts;
  }

  #choices(field) {
    const table = element("div", { class: "choices" }, element("span", { class: "soft" }, "value"), element("span", { class: "soft" }, "printed label"), element("span"));
    field.choices.forEach((_, i) => {
      const own = field.boxes.length + i;
      const focus = () => { if (this.model.one !== own) this.actions.peek(own); };
      table.append(
        this.#input(`choices.${i}.value`, { class: "mono", "aria-label": `Value ${i + 1}`, onfocus: focus }, (control) => control.value),
        this.#input(`choices.${i}.label`, { "aria-label": `Label ${i + 1}`, onfocus: focus }, (control) => control.value),
        element("button", { type: "button", class: "quiet", "aria-label": `Delete choice ${i + 1}`, onclick: () => { this.model.one = own; this.model.remove(); } }, "✕"),
      );
    });
    return table;
  }

  #page() {
    const { pages } = this.model.template;
    if (pages.length < 2) return "";
    const control = element("select", { "data-path": "page", onchange: () => this.model.change("page", () => {
      this.model.field.page = this.model.page = Number(control.value);
    }) }, ...pages.map((_, i) => new Option(`${i + 1}`, `${i}`)));
    return this.#labelled("Page", control);
  }

  #box() {
    const inputs = ["left", "top", "right", "bottom"].map((side, i) => element("input", {
      type: "number", "data-side": i, "aria-label": side, title: side,
      onchange: (event) => this.#setSide(i, Number(event.target.value)),
    }));
    return element("div", { class: "row" }, element("span", { id: "boxname" }, "Box"), element("div", { class: "numbers" }, ...inputs));
  }

  #setSide(side, value) {
    const boxes = this.model.chosenBoxes();
    const frame = this.actions.frame(boxes);
    frame[side] = Math.round(value);
    this.model.place(this.model.sized(boxes, frame), "type side");
  }

  #fill(field) {
    const mistakes = this.model.problemsOf(field).map((problem) => element("p", { class: "mistake" }, problem.message));
    this.inspector.querySelector("#mistakes").replaceChildren(...mistakes);
    for (const control of this.inspector.querySelectorAll("[data-path]")) {
      const value = read(field, control.dataset.path);
      if (control.type === "checkbox") control.checked = Boolean(value);
      else if (control !== this.typing) control.value = Array.isArray(value) ? value.join(", ") : value ?? "";
    }
    const count = places(field).length;
    const { one } = this.model;
    this.inspector.querySelector("#boxname").textContent = one === null ? (count > 1 ? `All ${count} boxes` : "Box") : `Box ${one + 1} of ${count}`;
    const frame = this.actions.frame(this.model.chosenBoxes());
    for (const control of this.inspector.querySelectorAll("[data-side]")) {
      control.value = frame[Number(control.dataset.side)];
    }
  }

  focusName() {
    const control = this.inspector.querySelector('[data-path="name"]');
    control?.focus();
    control?.select();
  }
}

function read(record, path) {
  return path.split(".").reduce((value, key) => value?.[key], record);
}

function write(record, path, value) {
  const keys = path.split(".");
  const last = keys.pop();
  (keys.length ? read(record, keys.join(".")) : record)[last] = value;
}
