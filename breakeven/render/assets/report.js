"use strict";
// Evaluates the linear pieces the page carries, C(V) = F + n f + v V, and nothing else.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = new Map(data.offers.map((o) => [o.id, o]));
  const $ = (id) => document.getElementById(id);
  const spoken = (x) => {
    if (x === 0) return "0";
    for (const [s, l] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]]) {
      if (Math.abs(x) >= s * (1 - 0.0005)) {
        const t = Number((x / s).toPrecision(3));
        if (t >= 1000 && l !== "T") continue;
        return t + l;
      }
    }
    return String(Number(x.toPrecision(3)));
  };
  const unit = data.currency ? data.currency.usd_per_unit : 1;
  const mark = data.currency ? data.currency.code + " " : "$";
  const money = (usd) => {
    const x = usd / unit, a = Math.abs(x), sign = x < 0 ? "-" : "";
    if (a >= 999.995) return sign + mark + Math.round(a).toLocaleString("en-US");
    return sign + mark + (a >= 0.1 || a === 0 ? a.toFixed(2) : String(Number(a.toPrecision(3))));
  };
  const state = {api: 1, own: 1};
  const scale = (o) => (o.bought ? state.api : state.own);
  const replicas = (o, V) => {
    if (o.kappa === null) return 0;
    let j = Math.ceil(V / o.kappa);
    while (j > 0 && (j - 1) * o.kappa >= V) j -= 1;
    while (j * o.kappa < V) j += 1;
    return Math.max(o.n_min, j + o.r);
  };
  const cost = (o, V) => {
    const s = scale(o), n = replicas(o, V), m = V / 1e6;
    let total = 0, covered = 0;
    for (const l of o.lines) {
      const usd = (l.F + l.f * n + l.v * m) * (l.scales ? s : 1);
      total += usd;
      if (l.min) covered += usd;
    }
    return total + Math.max(0, o.minimum - covered);
  };
  // The crossing law for a linear API against whole replicas: the first j with c_j < j kappa.
  const first = (api, own) => {
    const sum = (o, k) => o.lines.reduce((t, l) => t + l[k] * (l.scales ? scale(o) : 1), 0);
    if (api.kappa !== null || api.minimum > 0 || own.kappa === null || sum(api, "F") !== 0) return undefined;
    const s = sum(api, "v") - sum(own, "v"), F = sum(own, "F"), f = sum(own, "f"), k = own.kappa / 1e6;
    if (s <= 0) return null;
    for (let j = 1; j <= 100000; j += 1) {
      const c = (F + Math.max(own.n_min, j + own.r) * f) / s;
      if (c < j * k) return c * 1e6;
      if (j + own.r >= own.n_min && s * k <= f) return null;
    }
    return null;
  };
  const api = byId.get(data.headline.api), own = byId.get(data.headline.self_host);
  const chart = $("crossover"), geometry = data.chart;
  const X = (v) => geometry.left + (Math.log10(v) - geometry.x0) / (geometry.x1 - geometry.x0) * geometry.width;
  const Y = (c) => geometry.top + (geometry.y1 - Math.log10(Math.max(c, 10 ** geometry.y0))) / (geometry.y1 - geometry.y0) * geometry.height;
  const path = (o) => {
    const n = 400, points = [];
    for (let i = 0; i <= n; i += 1) {
      const v = 10 ** (geometry.x0 + (geometry.x1 - geometry.x0) * i / n);
      points.push(X(v).toFixed(1) + "," + Math.min(Y(cost(o, v)), geometry.top + geometry.height).toFixed(1));
    }
    return "M" + points.join("L");
  };
  const volume = () => 10 ** Number($("volume").value);
  const draw = () => {
    const v = volume();
    $("volume-out").textContent = spoken(v) + " tokens/day";
    for (const o of data.offers) {
      const cell = document.querySelector('[data-live="' + CSS.escape(o.id) + '"]');
      if (cell && o.linear) { cell.textContent = money(cost(o, v)); cell.dataset.usd = String(cost(o, v)); }
      const line = chart && chart.querySelector('[data-offer="' + CSS.escape(o.id) + '"]');
      if (line && o.linear) line.setAttribute("d", path(o));
    }
    if (chart) { const here = $("here"); here.setAttribute("x1", X(v)); here.setAttribute("x2", X(v)); }
    if (api && own && own.linear) {
      const c = first(api, own), out = $("live-crossover");
      out.textContent = c === undefined ? "see the table" : c === null ? "never" : spoken(c) + " tokens/day";
      out.dataset.tokens = c === undefined || c === null ? "" : String(c);
      const a = cost(api, v), b = cost(own, v);
      $("live-verdict").textContent = (b < a ? "self-hosting" : "the API") + " is cheaper by " + money(Math.abs(a - b)) + " a day";
    }
  };
  $("volume").addEventListener("input", draw);
  for (const side of ["api", "own"]) {
    $(side + "-scale").addEventListener("input", (event) => {
      const x = Number(event.target.value);
      if (Number.isFinite(x) && x > 0 && x <= 10000) { state[side] = x / 100; draw(); }
    });
  }
  $("reset").addEventListener("click", () => {
    state.api = state.own = 1;
    $("api-scale").value = $("own-scale").value = 100;
    $("volume").value = Math.log10(data.tokens_per_day);
    draw();
  });
  for (const box of document.querySelectorAll("[data-toggle]")) {
    box.addEventListener("change", () => {
      for (const line of chart.querySelectorAll('[data-offer="' + CSS.escape(box.dataset.toggle) + '"]')) line.classList.toggle("hide", !box.checked);
    });
  }
  if (chart) chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * geometry.total;
    const v = 10 ** (geometry.x0 + (x - geometry.left) / geometry.width * (geometry.x1 - geometry.x0));
    if (v < 10 ** geometry.x0 || v > 10 ** geometry.x1) return;
    $("hover").textContent = "at " + spoken(v) + " tokens/day: " + data.offers.filter((o) => o.linear).map((o) => o.short + " " + money(cost(o, v))).join("; ");
  });
  draw();
})();
