// A button that copies the text of an element; without scripts it stays hidden, and the text can be marked by hand.
"use strict";

(() => {
  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-copy]")) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        const text = document.getElementById(button.dataset.copy);
        const said = button.parentElement.querySelector("[data-copied]");
        try {
          await navigator.clipboard.writeText(text.textContent);
          said.textContent = "Copied.";
        } catch {
          // Without HTTPS browsers have no clipboard for pages: mark the text, so that a key copies it.
          const range = document.createRange();
          range.selectNodeContents(text);
          getSelection().removeAllRanges();
          getSelection().addRange(range);
          said.textContent = "Marked: copy it with Ctrl+C.";
        }
      });
    }
  });
})();
