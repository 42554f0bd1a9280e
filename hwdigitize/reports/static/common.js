// Loaded before the page is drawn: the theme, so that it does not flash, and where the data
// files of the index put their rows. A page from disk may not fetch, but may load scripts.
"use strict";

const hwdigitize = {
  rows: [],
  texts: [],
  order: [],
  added: () => {},
  // What a data file holds, and of which bundle of pages.
  add(name, bundle, items) {
    if (name === "rows") for (const item of items) this.rows.push([...item, bundle]);
    else for (const item of items) this[name].push(item);
    this.added(name);
  },
  load(path) {
    const script = document.createElement("script");
    script.src = path;
    document.head.append(script);
  },

  // What a person chose stays chosen, where the browser keeps anything for files.
  recall(key) {
    try {
      return localStorage.getItem("hwdigitize." + key);
    } catch {
      return null;
    }
  },
  keep(key, value) {
    try {
      localStorage.setItem("hwdigitize." + key, value);
    } catch {
      // private windows and some browsers keep nothing for pages from disk
    }
  },

  changeTheme() {
    const root = document.documentElement;
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = root.dataset.theme || (dark ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    this.keep("theme", root.dataset.theme);
  },

  // Call the action of a single key, unless the person is typing or has turned keys off.
  onKeys(actions) {
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (event.target.closest("input, select, textarea, dialog")) return;
      if (this.recall("keys") === "off" && event.key !== "?") return;
      const action = actions[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    });
  },
};

if (["light", "dark"].includes(hwdigitize.recall("theme"))) {
  document.documentElement.dataset.theme = hwdigitize.recall("theme");
}

addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => hwdigitize.changeTheme());
});
