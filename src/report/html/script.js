// The page is whole without this: it adds the filter, the theme's button and printing.
(() => {
  "use strict";
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // ---- theme
  const button = byId("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const showTheme = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("rhumb-theme", root.dataset.theme);
    } catch {
      // it then lasts as long as the page
    }
    showTheme();
  });
  system.addEventListener("change", showTheme);
  showTheme();

  // ---- printing: what is folded in stands open on paper
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
  byId("print").addEventListener("click", () => print());

  // ---- filter
  const field = byId("filter");
  const found = byId("found");
  const nothing = byId("nothing");
  const buttons = all("button[data-show]");
  const pointers = new Map();
  for (const element of all("[data-step]")) {
    const of = pointers.get(element.dataset.step) ?? [];
    pointers.set(element.dataset.step, [...of, element]);
  }
  const steps = all("article.step").map((element) => ({
    element,
    text: element.textContent.toLowerCase(),
    tags: element.dataset.tags.split(" "),
    pointers: pointers.get(element.id) ?? [],
  }));
  const unfolded = new Set();
  let show = "";

  const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

  function apply() {
    const words = wordsOf(field.value);
    let visible = 0;
    for (const step of steps) {
      const fits = (!show || step.tags.includes(show)) && words.every((word) => step.text.includes(word));
      step.element.hidden = !fits;
      for (const pointer of step.pointers) pointer.hidden = !fits;
      if (fits) visible += 1;
    }
    nothing.hidden = visible > 0 || steps.length === 0;
    found.textContent = words.length || show ? `${visible} of ${steps.length} steps` : "";
    unfold(words);
    highlight(words);
  }

  // What matches inside of folded evidence is shown, and folded again when it no longer does.
  function unfold(words) {
    for (const details of unfolded) details.open = false;
    unfolded.clear();
    if (!words.length) return;
    for (const { element } of steps) {
      if (element.hidden) continue;
      for (const details of all("details:not([open])", element)) {
        const text = details.textContent.toLowerCase();
        if (words.some((word) => text.includes(word))) {
          details.open = true;
          unfolded.add(details);
        }
      }
    }
  }

  function highlight(words) {
    if (!CSS.highlights) return;
    CSS.highlights.delete("found");
    const MOST = 2000;
    const ranges = [];
    for (const { element } of steps) {
      if (!words.length || element.hidden || ranges.length >= MOST) continue;
      const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node && ranges.length < MOST; node = walker.nextNode()) {
        const text = node.data.toLowerCase();
        if (text.length !== node.data.length) continue; // a letter whose small form is longer
        for (const word of words) {
          for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
            const range = new Range();
            range.setStart(node, at);
            range.setEnd(node, at + word.length);
            ranges.push(range);
          }
        }
      }
    }
    if (ranges.length) CSS.highlights.set("found", new Highlight(...ranges));
  }

  let pending = 0;
  field.addEventListener("input", () => {
    clearTimeout(pending);
    pending = setTimeout(apply, 80);
  });
  for (const b of buttons) {
    b.addEventListener("click", () => {
      show = b.dataset.show;
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === b));
      apply();
    });
  }
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && event.target !== field) {
      event.preventDefault();
      field.focus();
    } else if (event.key === "Escape" && event.target === field) {
      field.value = "";
      apply();
    }
  });

  // A link may carry a filter, and a link to a hidden step clears it.
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) field.value = asked;
  addEventListener("hashchange", () => {
    const target = document.querySelector(":target");
    if (target?.hidden) {
      field.value = "";
      buttons[0].click();
      target.scrollIntoView();
    }
  });
  if (asked) apply();

  // ---- the step being read is marked among the links
  const list = document.querySelector("nav ol");
  const links = new Map(all("li[data-step]", list).map((li) => [li.dataset.step, li]));
  let current = null;
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        current?.removeAttribute("aria-current");
        const item = links.get(entry.target.id);
        current = item?.firstElementChild ?? null;
        current?.setAttribute("aria-current", "true");
        if (item) list.scrollTop = item.offsetTop - list.offsetTop - list.clientHeight / 2;
      }
    },
    { rootMargin: "-10% 0px -80% 0px" },
  );
  for (const { element } of steps) watcher.observe(element);
})();
