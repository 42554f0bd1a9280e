// The template as it is edited: what is chosen, every change, and the way back.

const SAME_MS = 700; // changes of one kind within this are undone together

let serial = 0;

export function places(field) {
  return [...field.boxes, ...field.choices.map((choice) => choice.box)];
}

export function setPlaces(field, boxes) {
  const own = field.boxes.length;
  field.boxes = boxes.slice(0, own);
  field.choices.forEach((choice, i) => { choice.box = boxes[own + i]; });
}

export function around(boxes) {
  return [
    Math.min(...boxes.map((b) => b[0])), Math.min(...boxes.map((b) => b[1])),
    Math.max(...boxes.map((b) => b[2])), Math.max(...boxes.map((b) => b[3])),
  ];
}

export class Model extends EventTarget {
  constructor({ template, problems, stamp, kinds }) {
    super();
    this.template = template;
    this.template.fields.forEach((field) => { field.key = ++serial; });
    this.problems = problems;
    this.stamp = stamp;
    this.kinds = kinds;
    this.page = 0;
    this.key = null; // of the field chosen
    this.one = null; // number of its one box chosen, or null for all
    this.past = [];
    this.future = [];
    this.last = { what: "", at: 0 };
    this.saved = this.text();
  }

  // what is looked at

  text() {
    return JSON.stringify(this.template, (name, value) => (name === "key" ? undefined : value));
  }

  plain() { return JSON.parse(this.text()); }
  get dirty() { return this.text() !== this.saved; }
  get field() { return this.template.fields.find((field) => field.key === this.key) ?? null; }
  get onPage() { return this.template.fields.filter((field) => field.page === this.page); }
  get size() { return this.template.pages[this.page].size_px; }

  problemsOf(field) {
    const number = this.template.fields.indexOf(field);
    return this.problems.filter((problem) => problem.field === number);
  }

  // choosing

  choose(key, one = null) {
    this.key = key;
    this.one = one;
    const field = this.field;
    if (field) this.page = Math.min(field.page, this.template.pages.length - 1);
    this.say("choice");
  }

  turn(page) {
    const last = this.template.pages.length - 1;
    this.page = Math.max(0, Math.min(page, last));
    if (this.field && this.field.page !== this.page) this.key = this.one = null;
    this.say("choice");
  }

  step(by) {
    const order = [...this.template.fields].sort((a, b) => a.page - b.page);
    if (!order.length) return;
    const at = order.findIndex((field) => field.key === this.key);
    const first = order.findIndex((field) => field.page === this.page);
    const next = at < 0 ? Math.max(first, 0) : (at + by + order.length) % order.length;
    this.choose(order[next].key);
  }

  stepBox(by) {
    const field = this.field;
    if (!field) return;
    const count = places(field).length + 1; // one more is all of them
    const at = this.one === null ? 0 : this.one + 1;
    const next = (at + by + count) % count;
    this.choose(this.key, next === 0 ? null : next - 1);
  }

  // changing

  change(what, act) {
    const now = Date.now();
    const same = what === this.last.what && now - this.last.at < SAME_MS && this.past.length;
    const before = { fields: structuredClone(this.template.fields), key: this.key, one: this.one };
    act();
    if (!same) this.past.push(before);
    if (this.past.length > 500) this.past.shift();
    this.future = [];
    this.last = { what, at: now };
    this.say("change");
  }

  undo() { this.#travel(this.past, this.future); }
  redo() { this.#travel(this.future, this.past); }

  #travel(from, to) {
    const there = from.pop();
    if (!there) return;
    to.push({ fields: this.template.fields, key: this.key, one: this.one });
    this.template.fields = there.fields;
    this.key = there.key;
    this.one = there.one;
    this.last = { what: "", at: 0 };
    if (this.field) this.page = this.field.page;
    this.say("change");
  }

  name(wanted) {
    const taken = new Set(this.template.fields.map((field) => field.name));
    let name = wanted;
    for (let n = 2; taken.has(name); n += 1) name = `${wanted}_${n}`;
    return name;
  }

  add(boxes, kind = "text", cells = 0) {
    const count = this.template.fields.length + 1;
    const field = {
      name: this.name(`field_${count}`), kind, page: this.page, boxes, cells, label: "",
      required: false, multiple: false, choices: [], grammar: emptyGrammar(), key: ++serial,
    };
    this.change("add", () => {
      this.template.fields.push(field);
      this.key = field.key;
      this.one = null;
    });
  }

  addBox(box) {
    const field = this.field;
    if (!field) return;
    this.change("add box", () => {
      if (field.kind === "choice") {
        field.choices.push({ value: String(field.choices.length + 1), label: "", box });
      } else {
        field.boxes.push(box);
      }
    });
  }

  duplicate() {
    const field = this.field;
    if (!field) return;
    const copy = structuredClone(field);
    const all = around(places(copy));
    const down = Math.min(all[3] - all[1] + 12, this.size[1] - all[3]);
    setPlaces(copy, places(copy).map((b) => [b[0], b[1] + down, b[2], b[3] + down]));
    copy.name = this.name(field.name.replace(/_\d+$/, ""));
    copy.key = ++serial;
    this.change("duplicate", () => {
      this.template.fields.splice(this.template.fields.indexOf(field) + 1, 0, copy);
      this.key = copy.key;
      this.one = null;
    });
  }

  remove() {
    const field = this.field;
    if (!field) return;
    const fields = this.template.fields;
    this.change("remove", () => {
      if (this.one !== null && places(field).length > 1) {
        const own = field.boxes.length;
        if (this.one < own) field.boxes.splice(this.one, 1);
        else field.choices.splice(this.one - own, 1);
        this.one = null;
        return;
      }
      const at = fields.indexOf(field);
      fields.splice(at, 1);
      const near = fields.slice(at).find((f) => f.page === this.page) ?? fields[at - 1];
      this.key = near && near.page === this.page ? near.key : null;
      this.one = null;
    });
  }

  reorder(by) {
    const fields = this.template.fields;
    const at = fields.indexOf(this.field);
    const to = at + by;
    if (at < 0 || to < 0 || to >= fields.length) return;
    this.change("reorder", () => fields.splice(to, 0, ...fields.splice(at, 1)));
  }

  setKind(kind) {
    const field = this.field;
    this.change("kind", () => {
      if (kind === "choice" && field.kind !== "choice") {
        field.choices = field.boxes.map((box, i) => ({ value: String(i + 1), label: "", box }));
        field.boxes = [];
      } else if (kind !== "choice" && field.kind === "choice") {
        field.boxes = field.choices.map((choice) => choice.box);
        field.choices = [];
        field.multiple = false;
      }
      field.kind = kind;
      if (!CELLED.has(kind)) field.cells = 0;
      if (!WRITTEN.has(kind)) field.grammar = emptyGrammar();
    });
  }

  // moving: the boxes that are chosen, from where they were, within the page

  chosenBoxes() {
    const all = places(this.field);
    return this.one === null ? all : [all[this.one]];
  }

  place(boxes, what) {
    const field = this.field;
    this.change(`${what} ${this.key} ${this.one}`, () => {
      const all = places(field);
      if (this.one === null) setPlaces(field, boxes);
      else setPlaces(field, all.map((box, i) => (i === this.one ? boxes[0] : box)));
    });
  }

  moved(boxes, dx, dy) {
    const [width, height] = this.size;
    const all = around(boxes);
    const x = Math.max(-all[0], Math.min(dx, width - all[2]));
    const y = Math.max(-all[1], Math.min(dy, height - all[3]));
    return boxes.map((b) => [b[0] + x, b[1] + y, b[2] + x, b[3] + y]);
  }

  // the frame around them drawn to another frame, all boxes with it
  sized(boxes, frame) {
    const [width, height] = this.size;
    const from = around(boxes);
    const to = [
      Math.max(0, Math.min(frame[0], frame[2] - 4)), Math.max(0, Math.min(frame[1], frame[3] - 4)),
      Math.min(width, Math.max(frame[2], frame[0] + 4)), Math.min(height, Math.max(frame[3], frame[1] + 4)),
    ];
    const x = (v) => Math.round(to[0] + ((v - from[0]) * (to[2] - to[0])) / (from[2] - from[0]));
    const y = (v) => Math.round(to[1] + ((v - from[1]) * (to[3] - to[1])) / (from[3] - from[1]));
    return boxes.map((b) => [x(b[0]), y(b[1]), x(b[2]), y(b[3])]);
  }

  say(what) { this.dispatchEvent(new Event(what)); }
}

export const WRITTEN = new Set(["text", "lines", "letters", "digits", "number", "date", "time", "barcode"]);
export const CELLED = new Set(["text", "letters", "digits", "number", "date", "time"]);

export function emptyGrammar() {
  return {
    pattern: null, values: [], lexicon: null, format: null, minimum: null, maximum: null,
    decimals: 0, checksum: null, language: null, case: "exact",
  };
}
