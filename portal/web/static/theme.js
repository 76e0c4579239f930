// Runs before the first paint, so that a dark page never flashes white.
(function () {
  "use strict";
  var root = document.documentElement;
  var stored = null;
  try { stored = localStorage.getItem("portal-theme"); } catch (error) { /* storage is off: follow the system */ }
  var dark = stored ? stored === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "dark" : "light";
  if (!root.lang) { root.lang = "en"; }
})();
