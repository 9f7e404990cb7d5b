// The page's own script. Everything that comes from the input is put into the page as text, never as HTML.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const NUM_PRINTED = 50;
  const PRINTED = ["place", "id", "change", "score", "track", "percentile", "nearest", "strongest", "geneScore"];
  const numGroups = data.groups.length;

  // ---- Text, numbers and elements ----

  // Characters that are unseen or turn the direction of the text around them; page.py has the same.
  const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
  const shown = (text) =>
    String(text).replace(UNSEEN, (c) => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);

  function element(name, properties = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key in made) made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  // A text of the input, kept apart from the direction of what is around it.
  const text = (value) => element("span", { className: "text", textContent: shown(value), title: shown(value) });

  function number(value, digits = 3) {
    if (value === null || value === undefined) return "";
    const size = Math.abs(value);
    if (size === 0) return "0";
    const isExtreme = size < 0.001 || size >= 1e6;
    const written = isExtreme ? value.toExponential(digits - 1) : size >= 10 ** digits ? thousands(Math.round(value)) : value.toPrecision(digits);
    return written.replaceAll("-", "\u2212");
  }
  const tick = (value) => (Math.abs(value) >= 1e5 ? number(value) : String(+value.toPrecision(6)).replace("-", "\u2212"));
  const signed = (value) => (value > 0 ? "+" : "") + number(value);
  const thousands = (value) => value.toLocaleString("en-US");

  // ---- The variants, one object for each ----

  const areGenesScored = data.genes !== null && data.genes.strongest !== null;
  const variants = data.pos.map((pos, i) => {
    const scores = data.score[i];
    let best = 0;
    scores.forEach((score, g) => { if (Math.abs(score) > Math.abs(scores[best])) best = g; });
    const nearest = data.genes && data.genes.nearest[i];
    const strongest = areGenesScored && data.genes.strongest[i];
    const variant = {
      i, best, pos, chrom: data.chroms[data.chrom[i]], id: data.id[i], ref: data.ref[i], alt: data.alt[i],
      place: data.chrom[i] * 1e10 + pos,
      change: `${data.ref[i]}>${data.alt[i]}`,
      nearest: nearest ? data.geneNames[nearest[0]] : "",
      distance: nearest ? nearest[2] : null,
      strongest: strongest ? data.geneNames[strongest[0]] : "",
      geneScore: strongest ? strongest[3] : null,
      score: scores[best],
      track: data.track[i][best],
      percentile: data.percentile ? data.percentile[i][best] : null,
      rank: null,
    };
    for (let g = 0; g < numGroups; g++) {
      variant[`score${g}`] = scores[g];
      variant[`track${g}`] = data.track[i][g];
      if (data.percentile) variant[`percentile${g}`] = data.percentile[i][g];
    }
    variant.searched = [variant.chrom, pos, variant.id, variant.change, variant.nearest, variant.strongest,
      ...data.track[i].map((t) => `${data.tracks[t][0]} ${data.tracks[t][1]}`)].join("\n").toLowerCase();
    return variant;
  });
  data.detailed.forEach((one, rank) => { variants[one.place].rank = rank + 1; });
  const placeOf = (variant) => `${variant.chrom}:${thousands(variant.pos)}`;
  const trackName = (track) => data.tracks[track][1] || data.tracks[track][0];
  const nameOf = (variant) => `${placeOf(variant)} ${variant.change}`;

  // ---- Columns of the grid ----

  const bySize = (a, b) => Math.abs(a ?? -1) - Math.abs(b ?? -1);
  const byText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const byNumber = (a, b) => (a ?? Infinity) - (b ?? Infinity);
  const byTrack = (a, b) => byText(trackName(a), trackName(b));
  const stat = data.statistic;

  const columns = [
    { field: "rank", title: "Rank", sort: byNumber, width: 74, when: data.detailed.length > 0, cell: detailsButton },
    { field: "place", title: "Place", sort: byNumber, width: 170, always: true, cell: (v) => text(placeOf(v)) },
    { field: "id", title: "ID", sort: byText, width: 130 },
    { field: "change", title: "Change", sort: byText, width: 100 },
    { field: "score", title: stat, sort: bySize, kind: "number", width: 90 },
    { field: "track", title: "Strongest track", sort: byTrack, kind: "track", width: 240 },
    { field: "percentile", title: "Percentile", sort: bySize, kind: "percentile", when: !!data.percentile, width: 116 },
    { field: "nearest", title: "Nearest gene", sort: byText, when: !!data.genes, width: 110 },
    { field: "distance", title: "Distance (bp)", sort: bySize, kind: "whole", when: !!data.genes, width: 118 },
    { field: "strongest", title: "Strongest gene", sort: byText, when: areGenesScored, width: 122 },
    { field: "geneScore", title: areGenesScored ? `Gene ${data.genes.statistic}` : "", sort: bySize, kind: "number", when: areGenesScored, width: 100 },
  ];
  data.groups.forEach((group, g) => {
    columns.push({ field: `score${g}`, title: `${stat} ${group}`, sort: bySize, kind: "number", width: 105 });
    columns.push({ field: `track${g}`, title: `Track ${group}`, sort: byTrack, kind: "track", width: 220, hidden: true });
    columns.push({ field: `percentile${g}`, title: `Percentile ${group}`, sort: bySize, kind: "percentile", width: 110, hidden: true, when: !!data.percentile });
  });
  const present = columns.filter((column) => column.when !== false);
  const usual = present.filter((column) => !column.hidden).map((column) => column.field);

  function detailsButton(variant) {
    if (variant.rank === null) return text("");
    const button = element("button", { type: "button", textContent: String(variant.rank) });
    button.setAttribute("aria-label", `Details of rank ${variant.rank}, ${shown(nameOf(variant))}`);
    button.addEventListener("click", () => openDetails(variant.rank - 1));
    return button;
  }

  function cellOf(column, variant) {
    const value = variant[column.field];
    if (column.cell) return column.cell(variant);
    if (column.kind === "track") return text(trackName(value));
    if (column.kind === "number") return text(value === null ? "" : signed(value));
    if (column.kind === "percentile") return text(number(value, 5));
    if (column.kind === "whole") return text(value === null ? "" : thousands(value).replace("-", "\u2212"));
    return text(value);
  }
  const isNumber = (column) => ["number", "percentile", "whole"].includes(column.kind);

  let found = -1;
  let isBuilt = false;

  // ---- Filters, and the state in the address ----

  const inputs = { q: $("f-text"), region: $("f-region"), group: $("f-group"), min: $("f-score"), percentile: $("f-percentile"), sort: $("f-sort"), order: $("f-order") };
  data.groups.forEach((group, g) => inputs.group.append(element("option", { value: String(g), textContent: group })));
  present.forEach((column) => inputs.sort.append(element("option", { value: column.field, textContent: shown(column.title) })));
  const passes = new Uint8Array(variants.length).fill(1);
  const bare = (contig) => contig.toLowerCase().replace(/^chr/, "");

  // Reads chr1, chr1:5000 or chr1:5,000-9,000; null if it is none.
  function region(written) {
    const contigs = data.chroms.map(bare);
    const whole = contigs.indexOf(bare(written));
    if (whole >= 0) return { chrom: whole, start: 0, end: Infinity };
    const match = /^(.+):([\d,]+)(?:-([\d,]+))?$/.exec(written);
    if (!match) return null;
    const chrom = contigs.indexOf(bare(match[1]));
    const [start, end] = [match[2], match[3] ?? match[2]].map((digits) => Number(digits.replaceAll(",", "")));
    return chrom >= 0 && start <= end ? { chrom, start, end } : null;
  }

  // Decides which variants pass the filters, and says how many.
  function decide() {
    const words = inputs.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const written = inputs.region.value.trim();
    const within = written ? region(written) : null;
    const isBad = written !== "" && within === null;
    inputs.region.setAttribute("aria-invalid", String(isBad));
    $("region-problem").textContent = isBad ? "No such region in this page: expected a contig, or contig:start-end." : "";
    const suffix = inputs.group.value;
    const least = Math.abs(Number(inputs.min.value) || 0);
    const leastPercentile = inputs.percentile ? Math.abs(Number(inputs.percentile.value) || 0) : 0;
    let count = 0;
    for (const variant of variants) {
      const isIn =
        (within === null || (data.chrom[variant.i] === within.chrom && variant.pos >= within.start && variant.pos <= within.end)) &&
        Math.abs(variant[`score${suffix}`]) >= least &&
        (!leastPercentile || Math.abs(variant[`percentile${suffix}`] ?? 0) >= leastPercentile) &&
        words.every((word) => variant.searched.includes(word));
      passes[variant.i] = isIn ? 1 : 0;
      if (isIn) count++;
    }
    $("shown").textContent = `${thousands(count)} of ${thousands(variants.length)} variants`;
  }

  const isPassing = (variant) => passes[variant.i] === 1;
  function applyFilters() {
    decide();
    table.setFilter(isPassing);
    clearTimeout(waiting);
    waiting = setTimeout(() => manhattan.redraw(false), 60); // the table first, and the plot when typing pauses
    keepState();
  }
  let waiting;

  const fieldsOf = () => Object.entries(inputs).filter(([, input]) => input);

  function keepState() {
    const state = new URLSearchParams();
    for (const [name, input] of fieldsOf()) {
      const isUsual = name === "sort" ? input.value === "score" : name === "order" ? input.value === "desc" : input.value === "";
      if (!isUsual) state.set(name, input.value);
    }
    const visible = present.filter((column) => column.isShown).map((column) => column.field);
    if (visible.join() !== usual.join()) state.set("columns", visible.join());
    const hash = state.toString();
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  // Puts the state of the address into the form; returns the columns that it shows.
  function readState() {
    const state = new URLSearchParams(location.hash.slice(1));
    const known = new Set(present.map((column) => column.field));
    for (const [name, input] of fieldsOf()) input.value = state.get(name) ?? { sort: "score", order: "desc" }[name] ?? "";
    if (!known.has(inputs.sort.value)) inputs.sort.value = "score";
    if (inputs.order.value !== "asc") inputs.order.value = "desc";
    return state.has("columns") ? state.get("columns").split(",").filter((name) => known.has(name)) : usual;
  }

  function restoreState() {
    const wanted = readState();
    for (const column of present) show(column, column.always || wanted.includes(column.field));
    table.setSort(inputs.sort.value, inputs.order.value);
    applyFilters();
  }

  function show(column, isShown) {
    column.isShown = isShown;
    column.box.checked = isShown;
    if (isShown) table.showColumn(column.field);
    else table.hideColumn(column.field);
  }

  const atFirst = readState();
  for (const column of present) {
    column.isShown = column.always === true || atFirst.includes(column.field);
    column.box = element("input", { type: "checkbox", checked: column.isShown, disabled: column.always === true });
    column.box.addEventListener("change", () => { show(column, column.box.checked); keepState(); });
    $("columns").append(element("label", {}, column.box, shown(column.title)));
  }
  decide();

  const table = new Tabulator("#grid", {
    data: variants,
    index: "i",
    height: `${Math.min(32, 5 + 2 * Math.max(variants.length, 3))}rem`,
    renderVerticalBuffer: 150,
    layout: "fitDataStretch",
    placeholder: "No variant passes the filters.",
    initialSort: [{ column: inputs.sort.value, dir: inputs.order.value }],
    initialFilter: isPassing,
    headerSortTristate: false,
    columns: present.map((column) => ({
      field: column.field,
      title: column.title,
      titleFormatter: () => element("span", { textContent: shown(column.title) }),
      width: column.width,
      hozAlign: isNumber(column) ? "right" : "left",
      headerHozAlign: isNumber(column) ? "right" : "left",
      headerSortStartingDir: isNumber(column) ? "desc" : "asc",
      sorter: column.sort,
      visible: column.isShown,
      formatter: (cell) => cellOf(column, cell.getData()),
    })),
    rowFormatter: (row) => row.getElement().classList.toggle("found", row.getData().i === found),
  });

  for (const [name, input] of fieldsOf()) {
    if (name === "sort" || name === "order") input.addEventListener("change", () => table.setSort(inputs.sort.value, inputs.order.value));
    else input.addEventListener("input", applyFilters);
  }
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", () => setTimeout(() => { inputs.sort.value = "score"; table.setSort("score", "desc"); applyFilters(); }));
  table.on("tableBuilt", () => {
    isBuilt = true;
    // The part that scrolls takes the keyboard's focus: it needs a role that a grid may have.
    const grid = $("grid");
    grid.setAttribute("aria-label", "Variants");
    grid.removeAttribute("aria-owns");
    grid.querySelector(".tabulator-tableholder").setAttribute("role", "rowgroup");
    grid.querySelector(".tabulator-table").setAttribute("role", "none");
  });
  table.on("dataSorted", (sorters) => {
    if (!isBuilt || !sorters.length) return;
    inputs.sort.value = sorters[0].field;
    inputs.order.value = sorters[0].dir;
    keepState();
  });
  window.addEventListener("hashchange", () => { if (location.hash === "" || location.hash.includes("=")) restoreState(); });
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    link.addEventListener("click", (event) => { // the address keeps the state of the filters
      event.preventDefault();
      const target = $(link.getAttribute("href").slice(1));
      target.scrollIntoView();
      target.focus({ preventScroll: true });
    });
  }

  // ---- Export ----

  function asTsv() {
    const header = ["chrom", "pos", "id", "ref", "alt", "record", "allele"];
    if (data.genes) header.push("nearest_gene", "nearest_distance");
    if (areGenesScored) header.push("strongest_gene", `gene:${data.genes.statistic}`);
    for (const group of data.groups) {
      header.push(`${stat}:${group}:track`, `${stat}:${group}:description`, `${stat}:${group}:score`);
      if (data.percentile) header.push(`${stat}:${group}:percentile`);
    }
    const lines = table.getRows("active").map((row) => {
      const v = row.getData();
      const values = [v.chrom, v.pos, v.id, v.ref, v.alt, data.record[v.i], data.allele[v.i]];
      if (data.genes) values.push(v.nearest, v.distance);
      if (areGenesScored) values.push(v.strongest, v.geneScore);
      for (let g = 0; g < numGroups; g++) {
        values.push(data.tracks[v[`track${g}`]][0], data.tracks[v[`track${g}`]][1], v[`score${g}`]);
        if (data.percentile) values.push(v[`percentile${g}`]);
      }
      return values.map((value) => String(value ?? "").replace(/[\t\r\n]+/g, " ")).join("\t");
    });
    return [header.join("\t"), ...lines, ""].join("\n");
  }

  $("export").addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([asTsv()], { type: "text/tab-separated-values" }));
    element("a", { href: address, download: "variants.tsv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  });

  // ---- Plots ----

  const styleOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colourOf = (group) => styleOf(`--${group.replace(":", "-")}`) || styleOf("--OTHER");
  const isShownGroup = data.groups.map(() => true);
  const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "ring"];

  function drawMark(ctx, shape, x, y, r) {
    ctx.beginPath();
    if (shape === "circle" || shape === "ring") ctx.arc(x, y, r, 0, 2 * Math.PI);
    else if (shape === "square") ctx.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
    else if (shape === "triangle") { ctx.moveTo(x, y - r); ctx.lineTo(x + r, y + r); ctx.lineTo(x - r, y + r); ctx.closePath(); }
    else if (shape === "diamond") { ctx.moveTo(x, y - 1.2 * r); ctx.lineTo(x + 1.2 * r, y); ctx.lineTo(x, y + 1.2 * r); ctx.lineTo(x - 1.2 * r, y); ctx.closePath(); }
    else { ctx.moveTo(x - r, y); ctx.lineTo(x + r, y); ctx.moveTo(x, y - r); ctx.lineTo(x, y + r); }
    if (shape === "ring" || shape === "cross") ctx.stroke();
    else ctx.fill();
  }

  const axis = (label, more = {}) => ({
    label, stroke: () => styleOf("--text"), font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif",
    grid: { stroke: () => styleOf("--line"), width: 1 }, ticks: { stroke: () => styleOf("--line"), width: 1 }, ...more,
  });
  const widthOf = (holder) => Math.max(260, Math.floor(holder.clientWidth));
  const plots = new Map(); // of each holder, the function that makes its plot anew

  function keepPlot(holder, make) {
    let plot = make(widthOf(holder));
    const entry = {
      holder,
      resize: (width) => plot.setSize({ width, height: plot.height }),
      redraw: () => plot.redraw(false),
      plot: () => plot,
    };
    plots.set(holder, entry);
    new ResizeObserver(() => { if (!isPrinting && holder.clientWidth) entry.resize(widthOf(holder)); }).observe(holder);
    return plot;
  }

  // Contigs stand side by side, in the order of the input, with gaps of a hundredth of all.
  const lengths = data.chroms.length ? data.chroms.map(() => [Infinity, 0]) : [[0, 1]];
  variants.forEach((v) => {
    const range = lengths[data.chrom[v.i]];
    range[0] = Math.min(range[0], v.pos);
    range[1] = Math.max(range[1], v.pos);
  });
  const total = lengths.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const gap = data.chroms.length > 1 ? Math.max(1, total * 0.012) : 0;
  const starts = [];
  lengths.reduce((at, [first, last]) => { starts.push(at); return at + last - first + 1 + gap; }, 0);
  for (const v of variants) v.x = starts[data.chrom[v.i]] + v.pos - lengths[data.chrom[v.i]][0];
  const along = variants.slice().sort((a, b) => a.x - b.x);
  const contigAt = (x) => { let c = 0; while (c + 1 < starts.length && starts[c + 1] <= x) c++; return c; };

  function padded(low, high) {
    const margin = (high - low || Math.abs(high) || 1) * 0.05;
    return [low - margin, high + margin];
  }
  const limits = () => {
    const xs = along.length ? [along[0].x, along[along.length - 1].x] : [0, 1];
    let [low, high] = [0, 0];
    for (const row of data.score) for (const score of row) { low = Math.min(low, score); high = Math.max(high, score); }
    return { x: padded(...xs), y: padded(low, high) };
  };
  const all = limits();
  let pointed = null; // [variant, group] under the cursor

  function ticksAlong(u, _axis, low, high) {
    if (contigAt(low) === contigAt(high)) return null;
    return starts.map((start, c) => start + (lengths[c][1] - lengths[c][0]) / 2).filter((x) => x >= low && x <= high);
  }
  function evenTicks(low, high, origin) {
    const step = 10 ** Math.floor(Math.log10((high - low) / 3 || 1));
    const fine = (high - low) / step > 12 ? 4 * step : (high - low) / step > 6 ? 2 * step : step;
    const ticks = [];
    for (let pos = Math.ceil((low + origin) / fine) * fine; pos <= high + origin; pos += fine) ticks.push(pos - origin);
    return ticks;
  }

  function makeManhattan(width) {
    const holder = $("manhattan");
    const xs = along.map((v) => v.x);
    const series = data.groups.map((group) => ({ label: group, paths: () => null, points: { show: false } }));
    const plot = new uPlot({
      width, height: 340, legend: { show: false },
      cursor: { drag: { x: true, y: true, uni: 30 }, points: { show: false }, y: true },
      scales: { x: { time: false, range: (u, low, high) => [low ?? all.x[0], high ?? all.x[1]] }, y: { range: (u, low, high) => (u.zoomY ?? all.y) } },
      axes: [
        axis("", {
          splits: (u, a, low, high) => {
            const c = contigAt(low);
            return ticksAlong(u, a, low, high) ?? evenTicks(low, high, lengths[c][0] - starts[c]);
          },
          values: (u, splits) => {
            const [low, high] = [u.scales.x.min, u.scales.x.max];
            const c = contigAt(low);
            if (c !== contigAt(high)) return splits.map((x) => shown(data.chroms[contigAt(x)]).slice(0, 12));
            return splits.map((x) => thousands(Math.round(x - starts[c] + lengths[c][0])));
          },
          space: 70, grid: { show: false },
          label: data.chroms.length > 1 ? "Place on the genome" : `Position on ${shown(data.chroms[0] ?? "").slice(0, 30)} (bp)`,
        }),
        axis(stat, { size: 64, values: (u, ticks) => ticks.map(tick) }),
      ],
      series: [{}, ...series],
      hooks: {
        draw: [(u) => drawPoints(u)],
        setCursor: [(u) => point(u)],
        setSelect: [(u) => { if (u.select.height && u.select.height < u.over.clientHeight) u.zoomY = [u.posToVal(u.select.top + u.select.height, "y"), u.posToVal(u.select.top, "y")]; }],
      },
    }, [xs, ...data.groups.map((_, g) => along.map((v) => v[`score${g}`]))], holder);
    plot.setScale("x", { min: all.x[0], max: all.x[1] });
    plot.over.addEventListener("dblclick", () => zoom("all"));
    plot.over.addEventListener("click", () => { if (pointed) findRow(pointed[0]); });
    return plot;
  }

  function markOf(g, r) {
    const canvas = element("canvas", { width: 4 * Math.ceil(r), height: 4 * Math.ceil(r) });
    const ctx = canvas.getContext("2d");
    ctx.fillStyle = ctx.strokeStyle = colourOf(data.groups[g]);
    ctx.lineWidth = 1.5 * devicePixelRatio;
    drawMark(ctx, SHAPES[g % SHAPES.length], canvas.width / 2, canvas.height / 2, r);
    return canvas;
  }

  function drawPoints(u) {
    const ctx = u.ctx;
    const r = (along.length > 2000 ? 2 : 3.5) * devicePixelRatio;
    const [wide, tall] = [u.ctx.canvas.width, u.ctx.canvas.height];
    ctx.save();
    ctx.beginPath();
    ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    ctx.clip();
    ctx.strokeStyle = styleOf("--quiet");
    ctx.lineWidth = devicePixelRatio;
    const zero = u.valToPos(0, "y", true);
    ctx.beginPath(); ctx.moveTo(u.bbox.left, zero); ctx.lineTo(u.bbox.left + u.bbox.width, zero); ctx.stroke();
    const [low, high] = [u.scales.x.min, u.scales.x.max];
    const [left0, top0] = [u.bbox.left, u.bbox.top + u.bbox.height];
    const [perX, perY] = [u.bbox.width / (high - low), u.bbox.height / (u.scales.y.max - u.scales.y.min)];
    ctx.strokeStyle = styleOf("--line");
    for (const start of starts.slice(1)) {
      const x = u.valToPos(start - gap / 2, "x", true);
      ctx.beginPath(); ctx.moveTo(x, u.bbox.top); ctx.lineTo(x, u.bbox.top + u.bbox.height); ctx.stroke();
    }
    data.groups.forEach((group, g) => {
      if (!isShownGroup[g]) return;
      // A mark is drawn once and then copied, and only once to a pixel: most effects are near 0.
      const mark = markOf(g, r);
      const taken = new Uint8Array(wide * tall);
      const field = `score${g}`;
      for (const v of along) {
        if (!passes[v.i] || v.x < low || v.x > high) continue;
        const left = Math.round(left0 + (v.x - low) * perX);
        const top = Math.round(top0 - (v[field] - u.scales.y.min) * perY);
        const at = top * wide + left;
        if (top < 0 || top >= tall || taken[at]) continue;
        taken[at] = 1;
        ctx.drawImage(mark, left - mark.width / 2, top - mark.height / 2);
      }
    });
    if (pointed) {
      ctx.strokeStyle = styleOf("--text");
      ctx.lineWidth = 2 * devicePixelRatio;
      drawMark(ctx, "ring", u.valToPos(pointed[0].x, "x", true), u.valToPos(pointed[0][`score${pointed[1]}`], "y", true), 7 * devicePixelRatio);
    }
    ctx.restore();
  }

  // Finds the point that is nearest to the cursor, within 20 pixels.
  function point(u) {
    const { left, top } = u.cursor;
    let [nearest, least] = [null, 20 * 20];
    if (left >= 0) {
      const [low, high] = [u.posToVal(left - 20, "x"), u.posToVal(left + 20, "x")];
      for (const v of along) {
        if (!passes[v.i] || v.x < low || v.x > high) continue;
        const dx = u.valToPos(v.x, "x") - left;
        for (let g = 0; g < numGroups; g++) {
          if (!isShownGroup[g]) continue;
          const dy = u.valToPos(v[`score${g}`], "y") - top;
          if (dx * dx + dy * dy < least) { least = dx * dx + dy * dy; nearest = [v, g]; }
        }
      }
    }
    const isSame = nearest?.[0] === pointed?.[0] && nearest?.[1] === pointed?.[1];
    pointed = nearest;
    if (isSame) return;
    const hint = $("under-cursor");
    if (pointed) {
      const [v, g] = pointed;
      hint.replaceChildren(text(`${nameOf(v)}  ${v.id}`), element("br"), text(`${data.groups[g]}: ${stat} ${signed(v[`score${g}`])}, ${trackName(v[`track${g}`])}${v.nearest ? `; nearest gene ${v.nearest}` : ""}`));
    }
    u.redraw(false);
  }

  function findRow(variant) {
    found = variant.i;
    table.scrollToRow(variant.i, "center", true).then(() => {
      table.getRows("visible").forEach((row) => row.reformat());
      $("grid").scrollIntoView({ block: "center" });
    });
  }

  function zoom(how) {
    const u = manhattan;
    const [low, high] = [u.scales.x.min, u.scales.x.max];
    const [middle, half] = [(low + high) / 2, (high - low) / 2];
    if (how === "all") { u.zoomY = undefined; u.setScale("x", { min: all.x[0], max: all.x[1] }); }
    else {
      const shift = { left: -half, right: half }[how] ?? 0;
      const scale = { in: 0.5, out: 2 }[how] ?? 1;
      if (how === "out") u.zoomY = undefined;
      const min = Math.max(all.x[0], middle + shift - half * scale);
      const max = Math.min(all.x[1], middle + shift + half * scale);
      if (max > min) u.setScale("x", { min, max });
    }
  }
  document.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", () => zoom(button.dataset.zoom)));

  const power = (x) => (x >= -3 && x < 5 ? String(+(10 ** x).toPrecision(1)) : `1e${x}`.replace("-", "\u2212"));

  function makeDistribution(width) {
    const { lower, counts, perDecade } = data.histogram;
    // One class more, of nothing, so that the last step has its width.
    const xs = [...lower, (lower[lower.length - 1] ?? 0) + 1 / perDecade];
    return new uPlot({
      width, height: 260, legend: { show: false }, cursor: { drag: { x: true, y: false }, points: { show: false } },
      scales: { x: { time: false, range: (u, low, high) => [low, high] }, y: { range: (u, low, high) => [0, (high || 1) * 1.05] } },
      axes: [
        axis(`Size of the strongest ${stat} (logarithmic)`, { splits: (u, a, low, high) => { const ticks = []; for (let x = Math.ceil(low - 1e-9); x <= high + 1e-9; x++) ticks.push(x); return ticks; }, values: (u, ticks) => ticks.map(power) }),
        axis("Alleles", { size: 60, values: (u, ticks) => ticks.map((y) => (Number.isInteger(y) ? thousands(y) : "")) }),
      ],
      series: [{}, ...data.groups.map((group, g) => ({ label: group, show: isShownGroup[g], stroke: () => colourOf(group), width: 2, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } }))],
    }, [xs, ...counts.map((of) => [...of, 0])], $("distribution"));
  }

  function distributionTable() {
    const { lower, counts, zeros } = data.histogram;
    const decades = [...new Set(lower.map((x) => Math.floor(x + 1e-9)))];
    const head = element("tr", {}, element("th", { scope: "col", textContent: "Group" }), element("th", { scope: "col", className: "number", textContent: "no effect" }),
      ...decades.map((d) => element("th", { scope: "col", className: "number", textContent: `from ${power(d)}` })));
    const rows = data.groups.map((group, g) => element("tr", {}, element("th", { scope: "row", textContent: group }), element("td", { className: "number", textContent: thousands(zeros[g]) }),
      ...decades.map((d) => element("td", { className: "number", textContent: thousands(counts[g].reduce((sum, n, k) => (Math.floor(lower[k] + 1e-9) === d ? sum + n : sum), 0)) }))));
    $("distribution-table").append(element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
  }

  function groupBoxes() {
    data.groups.forEach((group, g) => {
      const box = element("input", { type: "checkbox", checked: true });
      box.addEventListener("change", () => {
        isShownGroup[g] = box.checked;
        manhattan.redraw(false);
        distribution.setSeries(g + 1, { show: box.checked });
      });
      const canvas = element("canvas", { className: "mark", width: 28, height: 28 });
      canvas.setAttribute("aria-hidden", "true");
      marks.push([canvas, group, g]);
      $("groups").append(element("label", {}, box, canvas, group));
    });
  }
  const marks = [];
  function drawMarks() {
    for (const [canvas, group, g] of marks) {
      const ctx = canvas.getContext("2d");
      ctx.clearRect(0, 0, 28, 28);
      ctx.fillStyle = ctx.strokeStyle = colourOf(group);
      ctx.lineWidth = 4;
      drawMark(ctx, SHAPES[g % SHAPES.length], 14, 14, 9);
    }
  }

  // ---- The strongest variants ----

  function dataTable(heads, rows, className = "") {
    const head = element("tr", {}, ...heads.map(([title, isNumeric]) => element("th", { scope: "col", className: isNumeric ? "number" : "", textContent: shown(title) })));
    return element("table", { className }, element("thead", {}, head), element("tbody", {}, ...rows));
  }
  const scrolled = (label, content) => element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": label }, content);

  function heatMap(one) {
    const largest = Math.max(...one.heat.rows.flatMap(([, cells]) => cells.map((cell) => (cell ? Math.abs(cell[1]) : 0)))) || 1;
    const rows = one.heat.rows.map(([biosample, cells]) => element("tr", {},
      element("th", { scope: "row" }, text(biosample || "(not known)")),
      ...cells.map((cell) => {
        if (cell === null) return element("td", { className: "number", textContent: "" });
        const made = element("td", { className: "number", textContent: signed(cell[1]), title: shown(trackName(cell[0])) });
        const strength = 0.55 * Math.sqrt(Math.abs(cell[1]) / largest);
        made.style.backgroundColor = `rgba(var(${cell[1] > 0 ? "--up" : "--down"}), ${strength.toFixed(3)})`;
        return made;
      })));
    return dataTable([["Tissue or cell type", false], ...data.groups.map((group) => [group, true])], rows, "heat");
  }

  function geneTable(one) {
    const rows = one.genes.map(([name, strand, distance, score, label]) => element("tr", {},
      element("th", { scope: "row" }, text(data.geneNames[name])), element("td", { textContent: strand === "-" ? "\u2212" : strand }),
      element("td", { className: "number", textContent: thousands(distance).replace("-", "\u2212") }),
      element("td", { className: "number", textContent: signed(score) }), element("td", { className: "track" }, text(label))));
    return dataTable([["Gene", false], ["Strand", false], ["Distance (bp)", true], [data.genes.statistic, true], ["Strongest on", false]], rows, "genes");
  }

  const CURVES = 150; // pixels of height for the curves
  const GENE_STRIP = 36; // and below them for genes
  const positionAxis = (variant) => axis(`Position on ${shown(variant.chrom).slice(0, 30)} (bp)`, { values: (u, ticks) => ticks.map(thousands), space: 90 });
  const position = { label: "Position", value: (u, x) => (x === null ? "" : thousands(Math.round(x))) };
  const curve = (label, colour, more = {}) => ({ label, stroke: () => styleOf(colour), width: 1.5, points: { show: false }, value: (u, y) => number(y), ...more });

  function makeProfile(one, place, t, isDifference, holder, width) {
    const { start, binSize, tracks, reference, difference, genes } = one.profile;
    const variant = variants[one.place];
    const xs = reference[t].map((_, bin) => start + (bin + 0.5) * binSize);
    const alternate = reference[t].map((value, bin) => value + difference[t][bin]);
    const strip = genes.length ? GENE_STRIP : 0;
    const shared = { width, padding: [8, 12, 0, 0], cursor: { sync: { key: `profile${place}`, scales: ["x", null] }, drag: { x: true, y: false } } };
    if (isDifference) {
      return new uPlot({
        ...shared, height: 190,
        scales: { x: { time: false }, y: { range: (u, low, high) => padded(Math.min(low, 0), Math.max(high, 0)) } },
        axes: [positionAxis(variant), axis("ALT \u2212 REF", { size: 60, values: (u, ticks) => ticks.map(tick) })],
        series: [position, curve("ALT \u2212 REF", "--alternate")],
        hooks: { draw: [(u) => drawVariant(u, variant.pos, [])] },
      }, [xs, difference[t]], holder);
    }
    return new uPlot({
      ...shared, height: CURVES + 90 + strip,
      scales: { x: { time: false }, y: { range: (u, low, high) => {
        const top = Math.max(high, 1e-6) * 1.08;
        return [-top * (strip / CURVES), top];
      } } },
      axes: [positionAxis(variant), axis("Signal", { size: 60, values: (u, ticks) => ticks.map((y) => (y < 0 ? "" : tick(y))) })],
      series: [position, curve("REF", "--reference"), curve("ALT", "--alternate", { dash: [5, 3] })],
      hooks: { draw: [(u) => drawVariant(u, variant.pos, genes)] },
    }, [xs, reference[t], alternate], holder);
  }

  function drawVariant(u, pos, genes) {
    const ctx = u.ctx;
    const px = devicePixelRatio;
    ctx.save();
    ctx.beginPath(); ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height); ctx.clip();
    ctx.strokeStyle = styleOf("--accent"); ctx.lineWidth = 1.5 * px; ctx.setLineDash([4 * px, 3 * px]);
    const at = u.valToPos(pos, "x", true);
    ctx.beginPath(); ctx.moveTo(at, u.bbox.top); ctx.lineTo(at, u.bbox.top + u.bbox.height); ctx.stroke();
    ctx.setLineDash([]);
    ctx.font = `${11 * px}px system-ui, sans-serif`; ctx.fillStyle = ctx.strokeStyle = styleOf("--text"); ctx.lineWidth = px;
    const bottom = u.bbox.top + u.bbox.height;
    const ends = [-Infinity, -Infinity]; // where the names in each of two rows end
    for (const [name, strand, tss] of genes) {
      const x = u.valToPos(tss, "x", true);
      if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
      const way = strand === "+" ? 1 : -1;
      const y = bottom - 31 * px;
      ctx.beginPath(); ctx.moveTo(x, y + 7 * px); ctx.lineTo(x, y); ctx.lineTo(x + 8 * way * px, y); ctx.moveTo(x + 5 * way * px, y - 3 * px); ctx.lineTo(x + 8 * way * px, y); ctx.lineTo(x + 5 * way * px, y + 3 * px); ctx.stroke();
      const label = shown(name).slice(0, 16);
      const width = ctx.measureText(label).width;
      const left = Math.max(u.bbox.left + px, Math.min(x - width / 2, u.bbox.left + u.bbox.width - width - px));
      const row = ends.findIndex((end) => end < left - 4 * px);
      if (row < 0) continue;
      ends[row] = left + width;
      ctx.textAlign = "left";
      ctx.textBaseline = "alphabetic";
      ctx.fillText(label, left, bottom - (row ? 3 : 14) * px);
    }
    ctx.restore();
  }

  // ---- Logos ----

  const SVG = "http://www.w3.org/2000/svg";
  function drawing(name, attributes, ...children) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }
  // Letters in a square of 1 by 1, from the upper left.
  const GLYPHS = {
    A: "M0 1L.37 0H.63L1 1H.79L.72 .78H.28L.21 1ZM.34 .6H.66L.5 .17Z",
    C: "M1 .3C.94 .1.76 0 .53 0C.2 0 0 .2 0 .5C0 .8.2 1 .53 1C.77 1 .95 .88 1 .68L.8 .62C.76 .76.67 .83.53 .83C.32 .83.2 .7.2 .5C.2 .3.32 .17.53 .17C.66 .17.75 .23.8 .36Z",
    G: "M.98 .3C.92 .1.76 0 .53 0C.2 0 0 .2 0 .5C0 .8.2 1 .53 1C.72 1 .89 .94 1 .84V.45H.53V.62H.8V.75C.73 .8.64 .83.54 .83C.33 .83.2 .7.2 .5C.2 .3.32 .17.53 .17C.66 .17.74 .23.78 .35Z",
    T: "M0 0H1V.18H.6V1H.4V.18H0Z",
  };
  const BASE = 15; // pixels of width of a base, and of height of a logo
  const LOGO = 110;
  const LEFT = 62;

  function makeLogo(row, limits, label) {
    const [low, high] = limits;
    const scale = LOGO / (high - low || 1);
    const zero = high * scale;
    const width = LEFT + row.letters.length * BASE + 12;
    const parts = [];
    const [first, end] = row.changed;
    if (end > first) parts.push(drawing("rect", { class: "changed", x: LEFT + first * BASE, y: 0, width: (end - first) * BASE, height: LOGO }));
    [...row.letters].forEach((letter, i) => {
      const height = (row.heights[i] ?? 0) * scale;
      const x = LEFT + i * BASE;
      if (GLYPHS[letter] && Math.abs(height) >= 0.2) {
        parts.push(drawing("path", { class: `base-${letter}`, d: GLYPHS[letter], transform: `translate(${x + 0.5} ${height > 0 ? zero - height : zero}) scale(${BASE - 1} ${Math.abs(height)})` }));
      }
      parts.push(drawing("text", { class: "letter", x: x + BASE / 2, y: LOGO + 15, "text-anchor": "middle" }, letter));
    });
    parts.push(drawing("line", { class: "zero", x1: LEFT, x2: width - 12, y1: zero, y2: zero }));
    for (const [value, y] of [[high, 10], [low, LOGO]]) {
      if (value !== 0) parts.push(drawing("text", { x: LEFT - 6, y, "text-anchor": "end" }, signed(value)));
    }
    parts.push(drawing("text", { x: LEFT, y: LOGO + 32 }, thousands(row.start)));
    const last = drawing("text", { x: width - 12, y: LOGO + 32, "text-anchor": "end" }, row.allele === "ALT" ? "" : thousands(row.start + row.letters.length - 1));
    parts.push(last);
    // The variant's own position, where there is room for it between those of the ends.
    const middle = ((first + end) / 2) * BASE;
    if (row.allele !== "ALT" && middle > 120 && middle < row.letters.length * BASE - 120) {
      parts.push(drawing("text", { x: LEFT + middle, y: LOGO + 32, "text-anchor": "middle" }, thousands(row.start + first)));
    }
    return drawing("svg", { class: "logo", role: "img", "aria-label": label, width, height: LOGO + 38, viewBox: `0 0 ${width} ${LOGO + 38}` }, ...parts);
  }

  function logoTable(logo, named) {
    const rows = logo.rows.flatMap((row) => [...row.letters].map((letter, i) => element("tr", {},
      element("td", { textContent: row.allele || "reference" }), element("td", { className: "number", textContent: row.allele === "ALT" ? thousands(i + 1) : thousands(row.start + i) }),
      element("td", { textContent: letter }), element("td", { className: "number", textContent: row.heights[i] === null ? "" : signed(row.heights[i]) }))));
    return element("details", {}, element("summary", { textContent: "Logo as a table" }),
      scrolled(`Bases around ${named} as a table`, dataTable([["Allele", false], ["Position (of ALT: base)", true], ["Base", false], ["Contribution", true]], rows)));
  }

  const MEANINGS = { // what a logo is, what the height of a letter is, and of a letter below the line
    saturation: ["By saturation: ", ". The taller a letter, the more the prediction falls, on average, if that base becomes another. Below the line, it rises."],
    contributions: ["By gradients: ", ". The taller a letter, the more that base adds to the prediction. Below the line, it lowers it."],
  };

  function logoFigure(logo, named) {
    const heights = logo.rows.flatMap((row) => row.heights.map((height) => height ?? 0));
    const limits = [Math.min(0, ...heights), Math.max(0, ...heights)];
    const drawn = logo.rows.flatMap((row) => {
      const which = row.allele || "reference";
      const made = scrolled(`Bases of ${which} around ${named}`, makeLogo(row, limits, `Logo of the bases of ${which} around ${named}: ${row.letters}`));
      return row.allele ? [element("p", { className: "allele", textContent: row.allele }), made] : [made];
    });
    const [how, meaning] = MEANINGS[logo.source];
    return element("figure", {}, element("figcaption", {}, element("strong", { textContent: how }), text(logo.explained), meaning, " The bases of the variant are shaded."), ...drawn, logoTable(logo, named));
  }

  function fill(panel, one, place) {
    const variant = variants[one.place];
    const named = shown(nameOf(variant));
    if (one.profile) {
      panel.append(element("h3", { textContent: "REF and ALT profiles" }),
        element("p", { className: "hint", textContent: "Predicted signal on the strongest track of each group. The dashed vertical line is the variant. Drag to zoom, double-click to see all." }));
      one.profile.tracks.forEach((track, t) => {
        const holders = ["Predicted signal of REF and ALT", "Difference of the predicted signals of ALT and REF"].map((what) =>
          element("div", { className: "plot", role: "img", "aria-label": `${what} around ${named} on ${shown(trackName(track))}` }));
        panel.append(element("figure", {}, element("figcaption", {}, element("strong", { textContent: `${data.tracks[track][2]} ` }), text(trackName(track))), ...holders));
        holders.forEach((holder, number) => keepPlot(holder, (width) => makeProfile(one, place, t, number === 1, holder, width)));
      });
    } else if (one.noProfile) panel.append(element("p", { className: "notice", textContent: `No profile: ${shown(one.noProfile)}` }));
    if (one.logos.length) {
      const figures = one.logos.map((logo) => logoFigure(logo, named));
      panel.append(element("h3", { textContent: "Which bases matter" }), ...figures);
      for (const shaded of panel.querySelectorAll(".logo .changed")) { // where the window is narrow, the variant is in view
        const holder = shaded.closest(".scroll");
        holder.scrollLeft = Number(shaded.getAttribute("x")) - holder.clientWidth / 2;
      }
    }
    const { rows, numBiosamples } = one.heat;
    const rest = numBiosamples > rows.length ? ` The ${rows.length} of ${thousands(numBiosamples)} that change most.` : "";
    panel.append(element("h3", { textContent: "By assay and tissue" }),
      element("p", { className: "hint", textContent: `Strongest ${stat} in each: orange is more with ALT, blue is less.${rest}` }),
      scrolled(`Scores of ${named} by assay and tissue`, heatMap(one)));
    if (one.genes.length) panel.append(element("h3", { textContent: "Genes in reach" }), scrolled(`Genes in reach of ${named}`, geneTable(one)));
  }

  const panels = data.detailed.map((one, place) => {
    const variant = variants[one.place];
    const summary = element("summary", {}, element("strong", { textContent: `${place + 1}. ` }), text(nameOf(variant)), ` ${stat} `, element("strong", { textContent: signed(variant.score) }), " ", text(trackName(variant.track)),
      variant.id === "." ? null : " ", variant.id === "." ? null : text(variant.id), variant.nearest ? " near " : null, variant.nearest ? text(variant.nearest) : null);
    const panel = element("details", { className: "variant" }, summary);
    let isFilled = false;
    panel.addEventListener("toggle", () => { if (panel.open && !isFilled) { isFilled = true; fill(panel, one, place); } });
    $("details").append(panel);
    return panel;
  });
  function openDetails(place) {
    panels[place].open = true;
    panels[place].scrollIntoView();
    panels[place].querySelector("summary").focus({ preventScroll: true });
  }

  // ---- Printing, and light or dark ----

  let isPrinting = false;
  let opened = []; // for printing
  function redrawAll() {
    drawMarks();
    for (const entry of plots.values()) entry.plot().redraw(true, true);
  }
  window.addEventListener("beforeprint", () => {
    isPrinting = true;
    document.documentElement.classList.add("printing");
    opened = [...document.querySelectorAll("#settings-details:not([open])")];
    opened.forEach((details) => { details.open = true; });
    for (const entry of plots.values()) entry.resize(660);
    redrawAll();
    const rows = table.getRows("active");
    const visible = present.filter((column) => column.isShown && PRINTED.includes(column.field));
    const made = rows.slice(0, NUM_PRINTED).map((row) => element("tr", {}, ...visible.map((column) => element("td", { className: isNumber(column) ? "number" : "" }, cellOf(column, row.getData())))));
    const note = rows.length > made.length ? [element("p", { textContent: `The first ${made.length} of ${thousands(rows.length)} variants; the page itself has all.` })] : [];
    $("printed").replaceChildren(...note, element("div", { className: "scroll" }, dataTable(visible.map((column) => [column.title, isNumber(column)]), made)));
  });
  window.addEventListener("afterprint", () => {
    isPrinting = false;
    document.documentElement.classList.remove("printing");
    opened.forEach((details) => { details.open = false; });
    $("printed").replaceChildren();
    for (const entry of plots.values()) if (entry.holder.clientWidth) entry.resize(widthOf(entry.holder));
    redrawAll();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);

  groupBoxes();
  var manhattan = keepPlot($("manhattan"), makeManhattan);
  var distribution = keepPlot($("distribution"), makeDistribution);
  distributionTable();
  drawMarks();
  if (panels.length) panels[0].open = true;
})();
