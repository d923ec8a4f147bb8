// What pages do beside being read: hear that something has changed, and show times in the reader's zone.
"use strict";

(() => {
  const SOON_MS = 400; // several changes at once are one refresh

  function showTimes(root) {
    const format = new Intl.DateTimeFormat(undefined, {dateStyle: "short", timeStyle: "medium"});
    for (const time of root.querySelectorAll("time[datetime]:not([data-age]):not([data-here])")) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.getTime())) {
        time.textContent = format.format(at);
        time.dataset.here = "";
      }
    }
  }

  // What an order came to is said once: a reload or a bookmark shows the page only.
  function forgetOrder() {
    const here = new URL(location.href);
    if (!here.searchParams.has("order")) return;
    here.searchParams.delete("did");
    here.searchParams.delete("order");
    history.replaceState(null, "", here);
  }

  function listen(address) {
    const offline = document.getElementById("offline");
    let seen = new Date();
    let timer = 0;
    const tell = () => {
      clearTimeout(timer);
      timer = setTimeout(() => document.body.dispatchEvent(new CustomEvent("changed")), SOON_MS);
    };
    const stream = new EventSource(address);
    let isBack = false;
    stream.addEventListener("hello", () => {
      if (offline) offline.hidden = true;
      if (isBack) tell();
      seen = new Date();
      isBack = true;
    });
    stream.addEventListener("beat", () => { seen = new Date(); });
    stream.addEventListener("changed", () => { seen = new Date(); tell(); });
    stream.addEventListener("error", () => {
      if (!offline) return;
      offline.querySelector("[data-seen]").textContent = seen.toLocaleTimeString();
      offline.hidden = false;
    });
    window.addEventListener("pagehide", () => stream.close());
  }

  document.addEventListener("DOMContentLoaded", () => {
    showTimes(document);
    forgetOrder();
    if (document.body.dataset.live) listen(document.body.dataset.live);
  });
  document.addEventListener("htmx:after:swap", () => showTimes(document));
})();
