// Draws the matrix: a Plotly heatmap for the colours, a canvas above it for glyphs and marks, headers as buttons beside it.
// All of it is measured in pixels of the whole drawing, and only the part in view is drawn.
(() => {
  const B = (window.stripboardBoard = window.stripboardBoard || {});
  const el = (id) => document.getElementById(id);
  const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 13;
  const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

  // Sizes ------------------------------------------------------------------------------------------------------
  // Left edges and widths of the columns, heights of the lines, room for the headers.
  const measure = (model, axes) => {
    const unit = rem(), box = el("matrix").getBoundingClientRect();
    const longest = axes.lines.reduce((most, line) => Math.max(most, [...lineName(model, axes, line)].length), 0);
    const hasPictures = model.rows.some((row) => row.picture !== null) && !axes.isRolled;
    const labels = Math.round(clamp(longest * 7.2 + (hasPictures ? 52 : 22), 90, 210) * unit), done = Math.round(96 * unit);
    const count = axes.columns.length, shown = new Set(axes.columns.map((one) => one.group)).size;
    const room = box.width - labels - done - 14;
    const gap = count > shown ? 6 : 0, few = count - shown ? shown - 1 : 0;
    const longGroup = axes.columns.reduce((most, one) => Math.max(most, [...model.groups[one.group]].length), 0);
    const usual = count > 8 ? 88 : room > 1400 * unit ? 150 : 116, named = (longGroup * 7.6 + 14) * Math.max(1, shown) / Math.max(1, count);
    const width = clamp((room - few * gap) / Math.max(1, count), 9 * unit, Math.max(usual, Math.min(190, named)) * unit);
    const cell = width >= 14 ? Math.floor(width) : width;
    const groupWide = cell * (count / Math.max(1, shown));
    const isSteep = groupWide < 42 * unit, hasLooks = !axes.isRolled && axes.columns.some((one) => model.columns[one.columns[0]].name);
    const showsLooks = hasLooks && cell >= 26 * unit;
    const isTwoLines = !isSteep && [...new Set(axes.columns.map((one) => one.group))].some((group) => B.lines(model.groups[group], groupWide - 6, 1, 600).length > 1);
    const head = Math.round((isSteep ? clamp(longGroup * 6.6 + 10, 40, 120) : isTwoLines ? 40 : 24) * unit + (showsLooks ? 18 * unit : 0) + 4);
    const foot = Math.round(26 * unit);
    // Few lines stay lines and do not become blocks; many share the height, but no cell is much higher than it is wide.
    const lineMost = clamp(34 + 4 * axes.lines.length, 42, 76) * unit, cellMost = Math.max(37 * unit, 1.05 * cell);
    const most = Math.max(Math.min(lineMost, cellMost), axes.lines.length <= 8 && count <= 12 ? 50 * unit : 37 * unit);
    const height = Math.floor(clamp((box.height - head - foot - 6) / Math.max(1, axes.lines.length), 17 * unit, most));
    const lefts = [];
    let x = 0;
    axes.columns.forEach((one, at) => {
      if (at && one.group !== axes.columns[at - 1].group) x += gap;
      lefts.push(x);
      x += cell;
    });
    return { unit, labels, done, cell, gap, height, lefts, head, foot, isSteep, showsLooks, hasPictures,
      wide: Math.ceil(x), tall: height * axes.lines.length };
  };

  const lineName = (model, axes, line) =>
    line.from === line.to ? model.rows[line.from].name : span(model.rows[line.from].name, model.rows[line.to].name);
  // `Character 1 – 10` where both names begin alike.
  const span = (first, last) => {
    const start = /^(.*\D)\d+$/.exec(first);
    return `${first} – ${start && last.startsWith(start[1]) && /^\d+$/.test(last.slice(start[1].length)) ? last.slice(start[1].length) : last}`;
  };

  // Which lines and columns are in view.
  const windowOf = (size, axes, view) => {
    const top = clamp(Math.floor(view.scrollTop / size.height), 0, Math.max(0, axes.lines.length - 1));
    const bottom = clamp(Math.ceil((view.scrollTop + view.clientHeight) / size.height), top, axes.lines.length) - 1;
    let left = 0, right = axes.columns.length - 1;
    while (left < right && size.lefts[left] + size.cell <= view.scrollLeft) left++;
    while (right > left && size.lefts[right] >= view.scrollLeft + view.clientWidth) right--;
    return { top, bottom, left, right };
  };

  // Colours ----------------------------------------------------------------------------------------------------
  let colours = null;
  const theme = () => {
    if (colours) return colours;
    const get = window.stripboard.colour;
    const fills = B.NAMES.map((name) => get(`--status-${name}`)), inks = B.NAMES.map((name) => get(`--ink-${name}`));
    const steps = fills.flatMap((fill, code) => [[code / 9, fill], [(code + 1) / 9, fill]]);
    colours = { fills, inks, steps, text: get("--text-1"), faint: get("--text-3"), ground: get("--surface-0"), line: get("--line-strong"),
      low: get("--surface-3"), high: get("--focus"), bad: get("--status-failed"), accent: get("--accent"), accentInk: get("--accent-ink") };
    return colours;
  };
  window.addEventListener("stripboard:theme", () => { colours = null; B.refresh && B.refresh(true); });

  // Heatmap ----------------------------------------------------------------------------------------------------
  const heat = (state, at) => {
    const { axes, size, roll, model } = state, paint = theme();
    const isStatus = model.layer === "status", values = isStatus ? null : layerValues(state);
    const x = [], slots = [];
    for (let column = at.left; column <= at.right; column++) {
      const left = size.lefts[column];
      if (!x.length) x.push(left);
      else if (left > x[x.length - 1] + 0.5) { slots.push(-1); x.push(left); }
      slots.push(column);
      x.push(left + size.cell);
    }
    const y = [], z = [];
    for (let line = at.top; line <= at.bottom; line++) {
      y.push(line * size.height);
      z.push(slots.map((column) => {
        if (column < 0) return null;
        const place = line * roll.wide + column;
        if (roll.code[place] === 255) return null;
        return isStatus ? roll.code[place] + 0.5 : Number.isNaN(values.of[place]) ? null : values.of[place];
      }));
    }
    y.push((at.bottom + 1) * size.height);
    const gaps = size.cell >= 10 ? 2 : size.cell >= 4 ? 1 : 0;
    return { type: "heatmap", x, y, z, xgap: gaps, ygap: gaps, zsmooth: false, showscale: false, hoverinfo: "skip",
      zmin: isStatus ? 0 : values.low, zmax: isStatus ? 9 : values.high,
      colorscale: isStatus ? paint.steps : model.layer === "qa"
        ? [[0, paint.bad], [0.499, paint.bad], [0.5, paint.low], [1, paint.high]] : [[0, paint.low], [1, paint.high]] };
  };

  // The numbers of a layer by visible place: the mean of the cells there, of QA the worst.
  const layerValues = (state) => {
    const { axes, model, roll } = state, isWorst = model.layer === "qa", places = roll.code.length;
    const sums = new Float64Array(places).fill(isWorst ? Infinity : 0), counts = new Int32Array(places), now = Date.now() / 1000;
    const slot = new Int32Array(model.columns.length).fill(-1);
    axes.columns.forEach((one, at) => one.columns.forEach((column) => { slot[column] = at; }));
    for (let i = 0; i < model.n; i++) {
      const value = valueOf(model, i, now), at = slot[model.column[i]], row = model.row[i];
      if (value === null || at < 0 || row < axes.from || row > axes.to) continue;
      const place = Math.floor((row - axes.from) / axes.band) * roll.wide + at;
      sums[place] = isWorst ? Math.min(sums[place], value) : sums[place] + value;
      counts[place]++;
    }
    const of = sums.map((sum, at) => (counts[at] ? (isWorst ? sum : sum / counts[at]) : NaN));
    let high = 0;
    for (const value of of) if (value > high) high = value;
    state.layerMost = high;
    return { of, low: isWorst ? -1 : 0, high: isWorst ? 1 : high || 1 };
  };
  const valueOf = (model, i, now = Date.now() / 1000) => {
    if (model.layer === "wait") return [1, 2, 4].includes(model.shown[i]) ? now - model.since[i] : null;
    const live = model.layer === "cost" && model.unit === "money" && B.running(i);
    if (live) return live.cost;
    const value = model.values ? model.values[model.id(i)] : undefined;
    return value === undefined ? null : value;
  };
  const asText = (layer, value) => {
    if (value === null || Number.isNaN(value)) return "";
    if (layer === "cost" && B.state.model.unit === "money") return B.money(value);
    if (layer === "attempts") return String(Math.round(value * 10) / 10);
    if (layer === "qa") return `${value < 0 ? "▲" : ""}${Math.round(Math.abs(value) * 100)}`;
    return B.duration(value).replace(/ min.*/, "m").replace(/ h.*/, "h").replace(/ d.*/, "d").replace(" s", "s");
  };

  const plot = (state) => {
    const holder = document.querySelector("#matrix-graph .js-plotly-plot");
    if (!window.Plotly || !holder) return false;
    const { view, at } = state, wide = Math.min(view.clientWidth, state.size.wide), tall = Math.min(view.clientHeight, state.size.tall);
    const hidden = { visible: false, fixedrange: true };
    const layout = { width: Math.max(10, wide), height: Math.max(10, tall), margin: { l: 0, r: 0, t: 0, b: 0, pad: 0 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", uirevision: "board", hovermode: false,
      xaxis: { ...hidden, range: [view.scrollLeft, view.scrollLeft + wide] },
      yaxis: { ...hidden, range: [view.scrollTop + tall, view.scrollTop] } };
    const data = state.axes.lines.length && state.axes.columns.length ? [heat(state, at)] : [];
    window.Plotly.react(holder, data, layout, { staticPlot: true, displayModeBar: false, responsive: false });
    return true;
  };

  Object.assign(B, { el, rem, clamp, measure, windowOf, lineName, theme, layerValues, valueOf, asText, plot });
})();
