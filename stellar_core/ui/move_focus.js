// Waits for the button of the tour, the first heading below the title, or the button that starts the tour, and focuses
// it; gives up once the visitor does anything. The page may be drawn several times until it is complete.
(() => {
  const until = Date.now() + 30000;
  const stop = () => {
    clearInterval(timer);
    for (const kind of ["pointerdown", "keydown"]) document.removeEventListener(kind, stop, true);
  };
  const timer = setInterval(() => {
    if (Date.now() > until) stop();
    if (document.activeElement !== null && document.activeElement !== document.body) return;
    const place = document.querySelector(".st-key-tour_next button")
      || document.querySelector("[data-testid=stMain] h2, [data-testid=stMain] h3")
      || document.querySelector(".st-key-tour_start button");
    if (!place) return;
    if (place.tabIndex < 0) place.tabIndex = -1;
    place.focus({ preventScroll: true });
  }, 100);
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, stop, true);
})();
