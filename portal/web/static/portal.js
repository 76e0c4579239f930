// The portal's only script of its own: asks before acting, switches the theme, opens the menu, follows jobs.
(function () {
  "use strict";

  const root = document.documentElement;

  // --- Ask first -------------------------------------------------------------------------------------------------
  // Inline handlers do not run under the content security policy, so the question is asked here, before anything
  // else sees the click.

  function ask(text, label) {
    const dialog = document.querySelector("[data-ask]");
    if (!dialog || !dialog.showModal) { return Promise.resolve(window.confirm(text)); }
    dialog.querySelector("[data-ask-text]").textContent = text;
    dialog.querySelector("[data-ask-yes]").textContent = label || "Yes, go on";
    dialog.returnValue = "no";
    dialog.showModal();
    return new Promise(function (resolve) {
      dialog.addEventListener("close", function () { resolve(dialog.returnValue === "yes"); }, { once: true });
    });
  }

  function question(element) {
    if (element.dataset.confirm) { return element.dataset.confirm; }
    const inline = element.getAttribute("onclick") || "";
    const found = inline.match(/onfirm\(\s*(['"])([\s\S]*?)\1\s*\)/);
    return found ? found[2] : "";
  }

  document.addEventListener("click", function (event) {
    const element = event.target.closest("[data-confirm], [onclick]");
    if (!element || element.dataset.agreed) { return; }
    const text = question(element);
    if (text) {
      event.preventDefault();
      event.stopImmediatePropagation();
      ask(text, element.dataset.confirmLabel).then(function (agreed) {
        if (!agreed) { return; }
        element.dataset.agreed = "1";
        element.click();
        delete element.dataset.agreed;
      });
      return;
    }
    const listAction = (element.getAttribute("onclick") || "").match(/modelActions\.execute\('([^']+)'\)/);
    if (listAction && window.modelActions) {
      event.preventDefault();
      window.modelActions.execute(listAction[1]);
    }
  }, true);

  document.addEventListener("click", function (event) {
    const link = event.target.closest("a[href^='javascript:'], a[data-stay]");
    if (link) { event.preventDefault(); }
  }, true);

  // --- One submit per form ---------------------------------------------------------------------------------------

  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (form.method !== "post") { return; }
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(function () { form.setAttribute("aria-busy", "true"); }, 0);
  });

  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    });
  });

  // --- Theme, side bar, menus ------------------------------------------------------------------------------------

  function setSide(open) {
    document.body.classList.toggle("side-is-open", open);
    const button = document.querySelector("[data-side-open]");
    if (button) { button.setAttribute("aria-expanded", String(open)); }
  }

  document.addEventListener("click", function (event) {
    const target = event.target;
    if (target.closest("[data-theme-switch]")) {
      root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem("portal-theme", root.dataset.theme); } catch (error) { /* storage is off */ }
    }
    if (target.closest("[data-side-open]")) { setSide(!document.body.classList.contains("side-is-open")); }
    if (target.closest("[data-side-close]")) { setSide(false); }
    if (target.closest("[data-back]")) { history.length > 1 ? history.back() : location.assign("/"); }
    const copy = target.closest("[data-copy]");
    if (copy) {
      navigator.clipboard.writeText(copy.dataset.copy).then(function () { copy.textContent = "Copied"; });
    }
    document.querySelectorAll("details[data-menu][open]").forEach(function (menu) {
      if (!menu.contains(target)) { menu.open = false; }
    });
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") { return; }
    setSide(false);
    document.querySelectorAll("details[data-menu][open]").forEach(function (menu) { menu.open = false; });
  });

  // --- Lists -----------------------------------------------------------------------------------------------------

  function showSelected() {
    const bar = document.querySelector("[data-selected-bar]");
    if (!bar) { return; }
    const boxes = document.querySelectorAll("input.action-checkbox");
    const chosen = document.querySelectorAll("input.action-checkbox:checked").length;
    bar.hidden = chosen === 0;
    bar.querySelector("[data-selected-count]").textContent = chosen;
    const all = document.querySelector("input.action-rowtoggle");
    if (all) { all.checked = chosen > 0 && chosen === boxes.length; all.indeterminate = chosen > 0 && chosen < boxes.length; }
    boxes.forEach(function (box) { box.closest("tr").classList.toggle("is-selected", box.checked); });
  }

  document.addEventListener("change", function (event) {
    const element = event.target;
    if (element.matches("input.action-rowtoggle")) {
      document.querySelectorAll("input.action-checkbox").forEach(function (box) { box.checked = element.checked; });
    }
    if (element.matches("input.action-rowtoggle, input.action-checkbox")) { showSelected(); }
    if (element.matches("[data-autosubmit]")) { element.form.submit(); }
    if (element.matches("[data-check-group]")) {
      document.querySelectorAll("[data-group='" + element.dataset.checkGroup + "']").forEach(function (box) {
        if (!box.disabled) { box.checked = element.checked; }
      });
    }
  });
  showSelected();

  // --- Jobs: poll the page's progress part until the job ends ----------------------------------------------------

  function follow(panel) {
    const every = 2000;
    let etag = null;
    let failures = 0;

    async function look() {
      if (document.hidden) { return wait(every); }
      try {
        const headers = etag ? { "If-None-Match": etag } : {};
        const answer = await fetch(panel.dataset.progressUrl, { headers: headers, credentials: "same-origin" });
        if (answer.redirected || answer.status === 401 || answer.status === 403) { location.reload(); return undefined; }
        if (answer.status === 200) {
          etag = answer.headers.get("ETag");
          panel.innerHTML = await answer.text();
          if (answer.headers.get("X-Job-State") !== panel.dataset.state) { location.reload(); return undefined; }
        } else if (answer.status !== 304) {
          throw new Error(String(answer.status));
        }
        failures = 0;
        panel.classList.remove("is-stale");
      } catch (error) {
        failures += 1;
        panel.classList.add("is-stale");
      }
      return wait(Math.min(every * (1 + failures), 15000));
    }

    function wait(milliseconds) { setTimeout(look, milliseconds); }
    wait(every);
  }

  document.querySelectorAll("[data-progress-url]").forEach(follow);

  // --- Countdowns ------------------------------------------------------------------------------------------------

  function words(seconds) {
    if (seconds <= 0) { return "now"; }
    if (seconds < 60) { return seconds + " s"; }
    if (seconds < 3600) { return Math.floor(seconds / 60) + " min " + String(seconds % 60).padStart(2, "0") + " s"; }
    return Math.floor(seconds / 3600) + " h " + Math.floor(seconds % 3600 / 60) + " min";
  }

  const countdowns = document.querySelectorAll("[data-countdown]");
  function tick() {
    countdowns.forEach(function (element) {
      const left = Math.round((new Date(element.dataset.countdown) - Date.now()) / 1000);
      element.textContent = words(left);
    });
  }
  if (countdowns.length) { tick(); setInterval(tick, 1000); }
})();
