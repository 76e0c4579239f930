// Loads the dashboard's cards, each alone, and draws charts from the tables behind them.
(function () {
  "use strict";

  const root = document.documentElement;
  const libraryAddress = document.currentScript.dataset.library;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  // --- Charts ----------------------------------------------------------------------------------------------------

  const COLOURS = 8;
  const drawn = new Map();
  let library = null;

  function loadLibrary() {
    library = library || new Promise(function (resolve, reject) {
      const script = document.createElement("script");
      script.src = libraryAddress;
      script.onload = function () { resolve(window.Chart); };
      script.onerror = function () { library = null; reject(new Error("the charting library did not load")); };
      document.head.append(script);
    });
    return library;
  }

  function theme(name) { return getComputedStyle(root).getPropertyValue("--" + name).trim(); }

  function colour(place) { return theme("chart-" + (place % COLOURS + 1)); }

  // A series has the colour of its tone; the others follow the palette, whose first colour is that of a tone.
  function colours(series) {
    let place = series.some(function (one) { return one.tone; }) ? 1 : 0;
    return series.map(function (one) { return one.tone ? theme("chart-" + one.tone) : colour(place++); });
  }

  function shown(value) {
    const digits = Number.isInteger(value) ? 0 : 1;
    return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace(/,/g, "\u202f");
  }

  function readTable(figure) {
    const rows = Array.from(figure.querySelectorAll("tbody tr"));
    const series = Array.from(figure.querySelectorAll("thead th")).slice(1).map(function (head, place) {
      const cells = rows.map(function (row) { return row.cells[place + 1].dataset.value; });
      return {
        label: head.textContent,
        tone: head.dataset.tone,
        data: cells.map(function (cell) { return cell === undefined ? null : Number(cell); }),
      };
    });
    return { labels: rows.map(function (row) { return row.cells[0].textContent; }), datasets: series };
  }

  function axes(figure, lies, stacked) {
    const values = {
      beginAtZero: true, stacked: stacked, border: { display: false },
      ticks: { precision: 0, maxTicksLimit: 6, callback: function (value) { return shown(value); } },
      title: { display: Boolean(figure.dataset.yTitle), text: figure.dataset.yTitle },
    };
    const labels = { stacked: stacked, grid: { display: false }, ticks: { autoSkip: !lies, autoSkipPadding: 12, maxRotation: 0 } };
    return lies ? { x: values, y: labels } : { x: labels, y: values };
  }

  function settings(figure) {
    const kind = figure.dataset.chart;
    const lies = kind === "horizontal-bar";
    const round = kind === "doughnut";
    const data = readTable(figure);
    const unit = figure.dataset.unit ? " " + figure.dataset.unit : "";
    const options = {
      responsive: true, maintainAspectRatio: false, indexAxis: lies ? "y" : "x",
      animation: calm.matches ? false : { duration: 350 },
      interaction: { mode: round ? "nearest" : "index", axis: lies ? "y" : "x", intersect: round },
      plugins: {
        legend: { display: round || data.datasets.length > 1, position: "bottom", labels: { usePointStyle: true, pointStyle: "rectRounded", boxHeight: 8, padding: 14 } },
        tooltip: { callbacks: { label: function (item) { return " " + (round ? item.label : item.dataset.label) + ": " + shown(item.raw) + unit; } }, filter: function (item) { return item.raw !== null && (item.raw !== 0 || data.datasets.length === 1); } },
      },
    };
    if (!round) { options.scales = axes(figure, lies, lies || kind === "stacked-bar"); }
    return { type: round ? "doughnut" : kind === "line" ? "line" : "bar", data: data, options: options };
  }

  function paint(chart, figure) {
    const kind = figure.dataset.chart;
    const lies = kind === "horizontal-bar";
    const owned = colours(chart.data.datasets);
    chart.data.datasets.forEach(function (series, place) {
      const own = owned[place];
      const round = kind === "doughnut";
      series.backgroundColor = round ? chart.data.labels.map(function (_, index) { return colour(index); }) : kind === "line" ? own + "26" : own;
      series.borderColor = kind === "line" ? own : theme("surface");
      series.borderWidth = kind === "line" ? 2 : 1;
      Object.assign(series, kind === "line"
        ? { fill: chart.data.datasets.length === 1, cubicInterpolationMode: "monotone", pointRadius: 2, pointBackgroundColor: own }
        : { borderRadius: 3, maxBarThickness: lies ? 30 : 46 });
    });
    const options = chart.options;
    options.color = options.plugins.legend.labels.color = theme("text");
    Object.assign(options.plugins.tooltip, { backgroundColor: theme("text"), titleColor: theme("surface"), bodyColor: theme("surface"), padding: 10, cornerRadius: 7 });
    Object.values(options.scales || {}).forEach(function (scale) {
      scale.ticks.color = theme("muted");
      scale.title = Object.assign({ color: theme("muted") }, scale.title, { color: theme("muted") });
      scale.grid = Object.assign(scale.grid || {}, { color: theme("line") });
    });
  }

  function asTable(figure, wanted) {
    const button = figure.querySelector("[data-chart-toggle]");
    figure.classList.toggle("is-table", wanted);
    button.setAttribute("aria-expanded", String(wanted));
    button.textContent = wanted ? "Show as chart" : "Show as table";
  }

  async function draw(figure) {
    try {
      const Chart = await loadLibrary();
      if (!figure.isConnected || drawn.has(figure)) { return; }
      const picture = figure.querySelector("[data-chart-picture]");
      const wanted = settings(figure);
      Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
      if (figure.dataset.chart === "horizontal-bar") {
        picture.style.minHeight = wanted.data.labels.length * 2 + (wanted.data.datasets.length > 1 ? 4.5 : 2.5) + "rem";
      }
      figure.classList.add("is-drawn");
      paint({ data: wanted.data, options: wanted.options }, figure);
      drawn.set(figure, new Chart(picture.querySelector("canvas"), wanted));
      figure.querySelector("[data-chart-toggle]").hidden = false;
    } catch (error) {
      figure.classList.add("is-table");
    }
  }

  function drawAll(place) { place.querySelectorAll("[data-chart]").forEach(draw); }

  function forget(place) {
    place.querySelectorAll("[data-chart]").forEach(function (figure) {
      const chart = drawn.get(figure);
      if (chart) { chart.destroy(); drawn.delete(figure); }
    });
  }

  function repaint() {
    drawn.forEach(function (chart, figure) { paint(chart, figure); chart.update("none"); });
  }

  new MutationObserver(repaint).observe(root, { attributes: true, attributeFilter: ["data-theme"] });

  let themeOnScreen = null;
  addEventListener("beforeprint", function () {
    themeOnScreen = root.dataset.theme;
    root.dataset.theme = "light";
    repaint();
    drawn.forEach(function (chart) { chart.resize(); });
  });
  addEventListener("afterprint", function () { root.dataset.theme = themeOnScreen; drawn.forEach(function (chart) { chart.resize(); }); });

  document.addEventListener("click", function (event) {
    const toggle = event.target.closest("[data-chart-toggle]");
    if (toggle) {
      const figure = toggle.closest("[data-chart]");
      asTable(figure, !figure.classList.contains("is-table"));
    }
    const again = event.target.closest("[data-card-again]");
    if (again) { begin(again.closest("[data-card-url]")); }
  });

  // --- Cards -----------------------------------------------------------------------------------------------------
  // A few at a time, so that the page leaves connections free. A busy server says when to come again.

  const AT_ONCE = 3;
  const GIVE_UP_AFTER = 20000;
  const waiting = [];
  let running = 0;

  function begin(card) {
    card.cardDeadline = performance.now() + GIVE_UP_AFTER;
    card.setAttribute("aria-busy", "true");
    enqueue(card);
  }

  function enqueue(card) {
    waiting.push(card);
    next();
  }

  function next() {
    while (running < AT_ONCE && waiting.length) {
      running += 1;
      load(waiting.shift()).finally(function () { running -= 1; next(); });
    }
  }

  async function load(card) {
    const left = card.cardDeadline - performance.now();
    try {
      const answer = await fetch(card.dataset.cardUrl, { credentials: "same-origin", signal: AbortSignal.timeout(Math.max(left, 1)) });
      if (answer.redirected || answer.status === 401) { location.reload(); return; }
      const again = Number(answer.headers.get("Retry-After"));
      if (answer.status === 503 && again && again * 1000 < left) {
        setTimeout(enqueue, again * 1000 * (0.5 + Math.random()), card);
        return;
      }
      if (answer.headers.get("X-Portal-Card") === null) { throw new Error(String(answer.status)); }
      show(card, await answer.text(), answer.headers);
    } catch (error) {
      show(card, problem(card, error.name === "TimeoutError"), null);
    }
    card.setAttribute("aria-busy", "false");
  }

  function problem(card, late) {
    const part = document.querySelector("[data-card-problem]").content.cloneNode(true);
    part.querySelector("[data-card-problem-text]").textContent = late ? "It takes too long to load." : "The portal could not be reached, or does not answer now.";
    const holder = document.createElement("div");
    holder.append(part);
    return holder.innerHTML;
  }

  function show(card, text, headers) {
    const body = card.querySelector("[data-card-body]");
    if (card.cardText === text) { return; }
    const tables = new Set(Array.from(body.querySelectorAll(".chart.is-drawn.is-table [data-chart-table]")).map(function (table) { return table.id; }));
    forget(body);
    card.cardText = text;
    body.innerHTML = text;
    tables.forEach(function (id) {
      const table = document.getElementById(id);
      if (table) { asTable(table.closest("[data-chart]"), true); }
    });
    drawAll(body);
    const took = headers && /dur=([\d.]+)/.exec(headers.get("Server-Timing") || "");
    card.querySelector("[data-card-head]").title = took ? "Read in " + Math.max(1, Math.round(took[1])) + " ms" : "";
  }

  function keepFresh(card) {
    setInterval(function () {
      if (!document.hidden && card.getAttribute("aria-busy") === "false") { begin(card); }
    }, Number(card.dataset.cardRefresh) * 1000);
  }

  const cards = document.querySelectorAll("[data-card-url]");
  cards.forEach(begin);
  cards.forEach(function (card) { if (card.dataset.cardRefresh) { keepFresh(card); } });
  drawAll(document);
})();
