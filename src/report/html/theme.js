// Before anything is painted: the theme that a link asks for, or that was chosen before.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");
  let theme = new URLSearchParams(location.search).get("theme");
  try {
    theme ??= localStorage.getItem("rhumb-theme");
  } catch {
    // a page opened from a file may have no storage
  }
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
})();
