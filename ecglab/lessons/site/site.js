"use strict";
// Colours, contents on narrow screens, boxes that scroll, and search: what a page does by itself.
(() => {
  const find = (selector) => document.querySelector(selector);
  const root = document.documentElement;

  const choices = [...document.querySelectorAll("[data-choice]")];
  const paint = (theme) => {
    root.dataset.theme = theme;
    for (const each of choices) each.setAttribute("aria-pressed", each.dataset.choice === theme);
  };
  for (const each of choices) {
    each.addEventListener("click", () => {
      paint(each.dataset.choice);
      try { localStorage.setItem("ecglab-theme", each.dataset.choice); } catch {}
    });
  }
  paint(root.dataset.theme ?? "system");

  const menu = find(".menu");
  menu.addEventListener("click", () => {
    menu.setAttribute("aria-expanded", menu.getAttribute("aria-expanded") !== "true");
  });

  // A box that scrolls is a stop of the Tab key, with a name; others are not.
  const scrolling = new ResizeObserver((changes) => {
    for (const { target } of changes) {
      const over = target.scrollWidth > target.clientWidth + 1 ||
        target.scrollHeight > target.clientHeight + 1;
      const stop = { tabindex: 0, role: "group", "aria-label": "Wider than the page, scrolls" };
      for (const [name, value] of Object.entries(stop)) {
        if (over) target.setAttribute(name, value); else target.removeAttribute(name);
      }
    }
  });
  for (const box of document.querySelectorAll(".scroll, pre")) scrolling.observe(box);

  const [query, results, hits] = ["#site-query", "#site-results", "#site-hits"].map(find);
  const words = (text) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const pattern = (asked) => new RegExp(`(?<![\\p{L}\\p{N}])(${asked.join("|")})`, "giu");

  // Each word must begin a word of the section; those in its heading count most.
  const score = (section, asked) => {
    let sum = 0;
    for (const word of asked) {
      const heading = section.heading.match(pattern([word]))?.length ?? 0;
      const text = section.text.match(pattern([word]))?.length ?? 0;
      if (!heading && !text) return 0;
      sum += 20 * heading + Math.min(text, 10);
    }
    return sum;
  };
  const excerpt = (text, asked) => {
    const place = Math.max(0, text.search(pattern(asked)));
    const begin = place < 60 ? 0 : text.indexOf(" ", place - 60) + 1;
    const cut = text.slice(begin, begin + 180);
    return (begin ? "… " : "") + escaped(cut).replace(pattern(asked.map(escaped)), "<mark>$1</mark>") +
      (begin + 180 < text.length ? " …" : "");
  };
  const search = () => {
    const asked = words(query.value);
    results.hidden = !asked.length;
    if (!asked.length || !window.ecglabSections) return;
    const scored = window.ecglabSections.map((section) => [score(section, asked), section]);
    const good = scored.filter(([sum]) => sum).sort((a, b) => b[0] - a[0]);
    hits.innerHTML = good.slice(0, 20).map(([, section]) =>
      `<li><a href="${section.address}"><strong>${escaped(section.heading)}</strong>` +
      (section.heading === section.page ? "" : ` <small>${escaped(section.page)}</small>`) +
      `<span>${excerpt(section.text, asked)}</span></a></li>`).join("");
    const count = good.length === 1 ? "1 section" : `${good.length || "No"} sections`;
    // Once to be read aloud, outside of what was hidden until now, and once to be seen.
    for (const place of ["#site-found", "#site-count"]) {
      find(place).textContent = `${count} found${good.length > 20 ? ", the best 20 shown" : ""}`;
    }
  };
  let entered = false; // Enter, pressed before there was anything to find
  const enter = () => {
    entered = !window.ecglabSections;
    hits.querySelector("a")?.click();
  };
  const loaded = () => {
    search();
    if (entered) enter();
  };
  const load = () => {
    if (find("#site-sections")) return;
    const script = Object.assign(document.createElement("script"),
      { id: "site-sections", src: "search.js", onload: loaded });
    document.head.append(script);
  };
  const close = () => { results.hidden = true; };
  const step = (way) => {
    const stops = [query, ...hits.querySelectorAll("a")];
    stops[stops.indexOf(document.activeElement) + way]?.focus();
  };
  query.addEventListener("focus", () => { load(); search(); });
  query.addEventListener("input", search);
  hits.addEventListener("click", close);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, textarea, select");
    const inside = find(".search").contains(event.target);
    const act = {
      "/": !typing && !event.ctrlKey && !event.metaKey && (() => query.select()),
      Escape: inside && (() => { query.value = ""; query.focus(); close(); }),
      ArrowDown: inside && (() => step(1)),
      ArrowUp: inside && (() => step(-1)),
      Enter: event.target === query && enter,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.addEventListener("focusin", (event) => {
    if (!find(".search").contains(event.target)) close();
  });
  document.addEventListener("click", (event) => {
    if (!find(".search").contains(event.target)) close();
  });
})();
