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
  const api = byId.get(data.headline.api), own = byId.get(data.headline.self_host);
  const sum = (o, k) => o.lines.reduce((t, l) => t + l[k], 0);
  // What the controls multiply: the API's price, one replica, the fixed cost, the throughput.
  const state = {price: 1, replica: 1, fixed: 1, rate: 1};
  const factor = (o, k) => (o === api && k === "v" ? state.price : o === own && k === "f" ? state.replica : o === own && k === "F" ? state.fixed : 1);
  const kappa = (o) => (o === own ? o.kappa * state.rate : o.kappa);
  const replicas = (o, V) => {
    if (o.kappa === null) return 0;
    const k = kappa(o);
    let j = Math.ceil(V / k);
    while (j > 0 && (j - 1) * k >= V) j -= 1;
    while (j * k < V) j += 1;
    return Math.max(o.n_min, j + o.r);
  };
  const cost = (o, V) => {
    const n = replicas(o, V), m = V / 1e6;
    let total = 0, covered = 0;
    for (const l of o.lines) {
      const usd = l.F * factor(o, "F") + l.f * n * factor(o, "f") + l.v * m * factor(o, "v");
      total += usd;
      if (l.min) covered += usd;
    }
    return total + Math.max(0, o.minimum - covered);
  };
  // The crossing law for a linear API against whole replicas, in closed form.
  const crossing = () => {
    if (api.kappa !== null || api.minimum > 0 || own.kappa === null || sum(api, "F") !== 0) return undefined;
    const s = sum(api, "v") * state.price - sum(own, "v"), k = kappa(own) / 1e6;
    const F = sum(own, "F") * state.fixed, f = sum(own, "f") * state.replica;
    if (s <= 0) return {first: null, settled: null};
    const m = Math.max(0, own.n_min - own.r), flat = (F + own.n_min * f) / s, rise = s * k - f;
    const at = (j) => (F + (j + own.r) * f) / s;
    const early = m > 0 && flat < m * k;
    if (rise <= 0) return {first: early ? flat * 1e6 : null, settled: null};
    const first = early ? flat : at(Math.max(m + 1, Math.floor((F + own.r * f) / rise) + 1));
    const last = Math.ceil((F + own.r * f + s * k) / rise) - 1;
    return {first: first * 1e6, settled: (last > m ? at(last) : flat) * 1e6};
  };
  const chart = $("crossover"), g = data.chart;
  const POINTS = 400;
  const X = (v) => g.left + (Math.log10(v) - g.x0) / (g.x1 - g.x0) * g.width;
  const Y = (c) => g.top + (g.y1 - Math.min(Math.max(Math.log10(Math.max(c, 10 ** g.y0)), g.y0), g.y1)) / (g.y1 - g.y0) * g.height;
  const at = (i) => 10 ** (g.x0 + (g.x1 - g.x0) * i / POINTS);
  const path = (o) => {
    const points = [];
    for (let i = 0; i <= POINTS; i += 1) points.push(X(at(i)).toFixed(1) + "," + Y(cost(o, at(i))).toFixed(1));
    return "M" + points.join("L");
  };
  const wins = () => {
    let d = "", start = null;
    for (let i = 0; i <= POINTS; i += 1) {
      const better = cost(own, at(i)) < cost(api, at(i));
      if (better && start === null) start = X(at(i));
      if (start !== null && (!better || i === POINTS)) {
        d += "M" + start.toFixed(1) + "," + g.top + "H" + X(at(i)).toFixed(1) + "V" + (g.top + g.height) + "H" + start.toFixed(1) + "Z";
        start = null;
      }
    }
    return d;
  };
  const place = (name, text, value, other) => {
    const group = $("mark-" + name), inside = value !== null && value > 10 ** g.x0 && value < 10 ** g.x1 && value !== other;
    group.classList.toggle("hide", !inside);
    if (!inside) return;
    const line = group.querySelector("line"), label = group.querySelector("text"), x = X(value), late = x > g.left + g.width * 0.8;
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    label.setAttribute("x", x + (late ? -5 : 5));
    label.setAttribute("text-anchor", late ? "end" : "start");
    label.textContent = text + " " + spoken(value);
  };
  const say = (id, value) => {
    const out = $(id);
    out.textContent = value === undefined ? "see the table" : value === null ? "never" : spoken(value) + " tokens/day";
    out.dataset.tokens = value === undefined || value === null ? "" : String(value);
  };
  const volume = () => 10 ** Number($("volume").value);
  let moved = false;
  const draw = () => {
    const v = volume();
    $("volume-out").textContent = spoken(v) + " tokens/day";
    for (const o of data.offers) {
      if (!o.linear) continue;
      const c = cost(o, v), cell = document.querySelector('[data-live="' + o.id + '"]');
      if (cell) { cell.textContent = money(c); cell.dataset.usd = String(c); }
      const line = moved && chart.querySelector('[data-offer="' + o.id + '"]');
      if (line) line.setAttribute("d", path(o));
    }
    const here = $("here");
    here.setAttribute("x1", X(v));
    here.setAttribute("x2", X(v));
    const found = crossing();
    say("live-first", found === undefined ? undefined : found.first);
    say("live-settled", found === undefined ? undefined : found.settled);
    if (moved) {
      $("wins").setAttribute("d", wins());
      if ($("band")) $("band").classList.add("hide");
      if (found !== undefined) {
        place("first", "first", found.first, undefined);
        place("settled", "for good", found.settled, found.first);
      } else for (const name of ["first", "settled"]) $("mark-" + name).classList.add("hide");
    }
    const a = cost(api, v), b = cost(own, v);
    $("live-verdict").textContent = a === b ? "both cost the same" : (b < a ? "self-hosting" : "the API") + " is cheaper by " + money(Math.abs(a - b)) + " a day";
  };
  if (chart && api && own) {
    $("volume").addEventListener("input", draw);
    for (const box of document.querySelectorAll("[data-factor]")) {
      box.addEventListener("input", () => {
        const x = Number(box.value), base = Number(box.dataset.base);
        if (box.value === "" || !Number.isFinite(x) || x < 0 || base <= 0 || (box.dataset.factor === "rate" && x === 0)) return;
        state[box.dataset.factor] = x / base;
        moved = true;
        draw();
      });
    }
    $("reset").addEventListener("click", () => {
      for (const box of document.querySelectorAll("[data-factor]")) {
        box.value = box.dataset.shown;
        state[box.dataset.factor] = 1;
      }
      $("volume").value = Math.log10(data.tokens_per_day);
      draw();
      if ($("band")) $("band").classList.remove("hide");
    });
    for (const box of document.querySelectorAll("[data-toggle]")) {
      box.addEventListener("change", () => {
        for (const line of chart.querySelectorAll('[data-offer="' + box.dataset.toggle + '"]')) line.classList.toggle("hide", !box.checked);
      });
    }
    const guide = $("guide");
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * g.total;
      const v = 10 ** (g.x0 + (x - g.left) / g.width * (g.x1 - g.x0));
      if (v < 10 ** g.x0 || v > 10 ** g.x1) return;
      guide.classList.remove("hide");
      guide.setAttribute("x1", x);
      guide.setAttribute("x2", x);
      const shown = data.offers.filter((o) => o.linear && chart.querySelector('[data-offer="' + o.id + '"]:not(.hide)'));
      $("hover").textContent = "at " + spoken(v) + " tokens/day: " + shown.map((o) => o.short + " " + money(cost(o, v))).join("; ");
    });
    chart.addEventListener("pointerleave", () => guide.classList.add("hide"));
    draw();
  }
  const opened = [];
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details:not([open])")) { opened.push(part); part.open = true; }
  });
  addEventListener("afterprint", () => { while (opened.length) opened.pop().open = false; });
})();
