"use strict";
// One slide at a time: arrow keys, Page Up and Down, Space, Home and End; its number is the address.
(() => {
  const slides = [...document.querySelectorAll(".slide")];
  const place = document.querySelector("#place");
  let shown = 0;

  // What is too long for the slide is drawn smaller, down to a half; below that it scrolls.
  const fit = (slide) => {
    const parts = slide.querySelector(".parts");
    for (let size = 1; size > 0.5; size -= 0.05) {
      parts.style.fontSize = `${size}em`;
      const wide = [...parts.querySelectorAll(".scroll, pre")]
        .some((box) => box.scrollWidth > box.clientWidth + 1);
      if (!wide && parts.scrollHeight <= parts.clientHeight + 1) return;
    }
    parts.tabIndex = 0;
  };
  const show = (number, focus) => {
    shown = Math.max(0, Math.min(slides.length - 1, number));
    slides.forEach((slide, index) => { slide.hidden = index !== shown; });
    fit(slides[shown]);
    place.textContent = `${shown + 1} / ${slides.length}`;
    history.replaceState(null, "", `#${shown + 1}`);
    if (focus) slides[shown].focus({ preventScroll: true });
  };
  const steps = {
    ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1,
    ArrowLeft: -1, ArrowUp: -1, PageUp: -1,
    Home: -Infinity, End: Infinity,
  };
  document.addEventListener("keydown", (event) => {
    const button = event.target.matches("button") && event.key === " ";
    if (!(event.key in steps) || button || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    show(shown + steps[event.key], true);
  });
  for (const button of document.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => show(shown + Number(button.dataset.step)));
  }
  addEventListener("hashchange", () => show(Number(location.hash.slice(1)) - 1));
  addEventListener("resize", () => fit(slides[shown]));
  addEventListener("beforeprint", () => {
    for (const slide of slides) { slide.hidden = false; fit(slide); }
  });
  addEventListener("afterprint", () => show(shown));
  show(Number(location.hash.slice(1)) - 1);
})();
