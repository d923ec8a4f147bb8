// The board: views that this browser keeps, how many rows are checked, and word of a new P1.
"use strict";

(() => {
  const VIEWS = "incidentd.views", NOTICE = "incidentd.p1";
  const MOST_VIEWS = 20;
  const byId = id => document.getElementById(id);

  function kept() {
    try {
      const found = JSON.parse(localStorage.getItem(VIEWS) || "[]");
      return Array.isArray(found) ? found.filter(v => typeof v.name === "string" && /^\?|^$/.test(v.query)) : [];
    } catch {
      return [];
    }
  }

  function keep(views) {
    localStorage.setItem(VIEWS, JSON.stringify(views.slice(-MOST_VIEWS)));
    showViews();
  }

  function showViews() {
    byId("view-list").replaceChildren(...kept().map(view => {
      const chip = document.createElement("span"), link = document.createElement("a");
      const away = document.createElement("button");
      chip.className = "chip view";
      link.href = `/${view.query}`;
      link.textContent = view.name;
      away.type = "button";
      away.textContent = "×";
      away.setAttribute("aria-label", `Forget the view ${view.name}`);
      away.addEventListener("click", () => keep(kept().filter(other => other.name !== view.name)));
      chip.append(link, away);
      return chip;
    }));
  }

  function countPicked() {
    const picked = document.querySelectorAll(".pick input:checked").length;
    if (byId("picked")) byId("picked").textContent = picked ? `${picked} checked:` : "Checked ones:";
  }

  const urgent = () => new Set([...document.querySelectorAll("tr[data-priority=P1]")].map(row => row.id));

  function beep() {
    const sound = new AudioContext();
    const tone = sound.createOscillator(), volume = sound.createGain();
    tone.frequency.value = 880;
    volume.gain.setValueAtTime(0.2, sound.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + 0.8);
    tone.connect(volume).connect(sound.destination);
    tone.start();
    tone.stop(sound.currentTime + 0.8);
    tone.addEventListener("ended", () => sound.close());
  }

  function tell(key) {
    document.body.dataset.told = key;
    beep();
    if (window.Notification?.permission === "granted") {
      const title = document.querySelector(`#${CSS.escape(key)} a.title`)?.textContent ?? "";
      new Notification(`P1 ${key}`, {body: title, tag: key});
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    byId("views").hidden = false;
    showViews();
    byId("view-save").addEventListener("submit", event => {
      event.preventDefault();
      const name = byId("view-name").value.trim();
      keep([...kept().filter(view => view.name !== name), {name, query: location.search}]);
      byId("view-save").reset();
    });
    const box = byId("p1-notice");
    box.checked = localStorage.getItem(NOTICE) === "on";
    box.addEventListener("change", () => {
      localStorage.setItem(NOTICE, box.checked ? "on" : "off");
      if (box.checked) window.Notification?.requestPermission();
    });
    let seen = urgent();
    document.addEventListener("htmx:after:swap", () => {
      const now = urgent();
      if (box.checked) [...now].filter(key => !seen.has(key)).slice(0, 3).forEach(tell);
      seen = now;
      countPicked();
    });
    document.addEventListener("change", countPicked);
  });
})();
