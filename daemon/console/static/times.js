// Counts ages and promised times on, each second, by the daemon's clock; the reader's own may be wrong.
"use strict";

(() => {
  const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

  // As `span` of the daemon says it: the greatest unit and the one below.
  function inWords(milliseconds) {
    let seconds = Math.max(0, Math.floor(milliseconds / 1000));
    const first = UNITS.findIndex(([, size]) => seconds >= size);
    if (first < 0) return "0 s";
    const parts = [];
    for (const [unit, size] of UNITS.slice(first, first + 2)) {
      const count = Math.floor(seconds / size);
      seconds -= count * size;
      if (count) parts.push(`${count} ${unit}`);
    }
    return parts.join(" ");
  }

  const say = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  function count(now) {
    for (const time of document.querySelectorAll("time[data-age]")) say(time, inWords(now - Date.parse(time.dateTime)));
    for (const due of document.querySelectorAll("[data-due]")) {
      const left = Date.parse(due.dataset.due) - now;
      due.classList.toggle("late", left < 0);
      say(due, `${left < 0 ? "late by" : "in"} ${inWords(Math.abs(left))}`);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const ahead = Date.parse(document.body.dataset.now) - Date.now();
    if (Number.isNaN(ahead)) return;
    const tick = () => count(Date.now() + ahead);
    tick();
    setInterval(tick, 1000);
    document.addEventListener("htmx:after:swap", tick);
  });
})();
