// Streamlit names the help buttons of texts and headings "Help": name each after its text.
(() => {
  if (window.helpNames) return;
  const name = () => {
    for (const button of document.querySelectorAll('button[aria-label="Help"]')) {
      const place = button.closest("[data-testid=stElementContainer]");
      const text = place && place.innerText.trim().replace(/\s+/g, " ");
      if (text) button.setAttribute("aria-label", `Help for ${text.slice(0, 60)}`);
    }
  };
  let waiting = 0;
  window.helpNames = new MutationObserver(() => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(name);
  });
  window.helpNames.observe(document.body, { childList: true, subtree: true });
  name();
})();
