// Single keys: move along the rows, open, check, acknowledge, search. They can be switched off (WCAG 2.1.4).
"use strict";

(() => {
  const STORED = "incidentd.keys";
  const isOn = () => localStorage.getItem(STORED) !== "off";
  const isTyping = target => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog");
  const row = () => document.activeElement?.closest("tr");

  function move(by) {
    const titles = [...document.querySelectorAll("main a.title")];
    const here = titles.findIndex(title => title.closest("tr") === row());
    const next = titles[Math.min(Math.max(here + by, 0), titles.length - 1)];
    next?.focus();
    next?.scrollIntoView({block: "nearest"});
  }

  const KEYS = {
    j: () => move(1),
    k: () => move(-1),
    o: () => row()?.querySelector("a.title")?.click(),
    x: () => row()?.querySelector("input[type=checkbox]")?.click(),
    a: () => (document.querySelector("table.board") ? row() : document)?.querySelector("[data-key=a]")?.click(),
    "/": () => document.getElementById("search")?.focus(),
    "?": () => document.getElementById("keys")?.showModal(),
  };

  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
    if (!isOn() || !Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  // What somebody types into a form must outlive a refresh of the page around it.
  document.addEventListener("input", event => { if (event.target.form) event.target.form.dataset.typed = ""; });

  document.addEventListener("DOMContentLoaded", () => {
    const box = document.getElementById("keys-on");
    if (box) {
      box.checked = isOn();
      box.addEventListener("change", () => localStorage.setItem(STORED, box.checked ? "on" : "off"));
    }
    const opener = document.getElementById("keys-open");
    if (opener) {
      opener.hidden = false;
      opener.addEventListener("click", KEYS["?"]);
    }
  });
})();
