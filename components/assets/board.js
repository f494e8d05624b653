// The board: reads a run's matrix, keeps it up to date from the feed, and draws it again when something has changed.
(() => {
  const B = (window.stripboardBoard = window.stripboardBoard || {});
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const isHere = () => B.state && document.getElementById("board") && B.state.run === +document.getElementById("board").dataset.run;

  // Reading ----------------------------------------------------------------------------------------------------
  const read = (run, query = "") =>
    fetch(`/api/v1/production-runs/${run}/matrix?${query}`, { headers: { Accept: "application/json" } }).then((answer) => {
      if (!answer.ok) throw new Error(`the matrix was not read: ${answer.status}`);
      return answer.status === 204 ? null : answer.json();
    });
  // The document is asked for while Dash is still starting, and so is the library that will draw it.
  const address = /^\/runs\/(\d{1,15})$/.exec(location.pathname);
  let early = address ? { run: +address[1], doc: read(+address[1], "quiet=1").catch(() => null) } : null;
  if (address) {
    const script = document.createElement("script");
    script.src = "/_dash-component-suites/plotly/package_data/plotly.min.js";
    document.head.append(script);
  }

  const load = async (run) => {
    const asked = early && early.run === run ? early.doc : null;
    early = null;
    return (asked && (await asked)) || read(run);
  };

  const mount = async (run, grid) => {
    if (!run) return "";
    window.dash_clientside.board.grid = grid;
    const model = new B.Model(await load(run));
    if (!document.getElementById("board")) return "";
    const isGrid = B.restore(model, location.search.slice(1));
    B.state = { run, model, isGrid, view: B.el("matrix-view"), drawing: 0, cursor: null, hover: null, drag: null, hasFocus: false, segments: null };
    B.state.view.addEventListener("scroll", () => draw());
    new ResizeObserver(() => { if (isHere()) B.refresh(true); }).observe(B.el("matrix"));
    set("feed-run", { data: run });
    window.stripboard.resume(run, model.seq);
    readLayer();
    B.refresh(true);
    B.selectionChanged(true);
    return String(run);
  };

  // Everything anew: after a reset of the feed.
  const reread = async () => {
    const { run, model } = B.state, fresh = new B.Model(await read(run));
    if (!isHere() || B.state.run !== run) return;
    fresh.adopt(model);
    B.state.model = fresh;
    window.stripboard.resume(run, fresh.seq);
    readLayer();
    B.refresh(true);
    B.selectionChanged(true);
  };

  const readLayer = async () => {
    const state = B.state, { model, run } = state, isCards = model.zoom.kind === "character" || model.zoom.kind === "type";
    if (isCards) state.segments = (await read(run, "layer=segments")).values;
    if (model.layer === "status" || model.layer === "wait") model.values = null;
    else {
      const told = await read(run, `layer=${model.layer}`);
      Object.assign(model, { values: told.values, unit: told.unit || "" });
    }
    if (isHere()) B.refresh(true);
  };
  let layerTimer = null;
  const readLayerSoon = () => {
    const { model } = B.state;
    if (model.zoom.kind === "project" && (model.layer === "status" || model.layer === "wait")) return;
    layerTimer = layerTimer || setTimeout(() => { layerTimer = null; if (isHere()) readLayer(); }, 1500);
  };

  // Drawing ----------------------------------------------------------------------------------------------------
  let frame = 0, isNew = false;
  B.refresh = (isAnew = false) => {
    isNew = isNew || isAnew;
    if (!frame) frame = requestAnimationFrame(() => { frame = 0; if (isHere()) whole(); });
  };
  B.remark = () => { if (isHere() && B.state.at && !B.el("matrix").hidden && !frame) B.marks(B.state); };

  const whole = () => {
    const state = B.state, { model } = state, isCards = model.zoom.kind === "character" || model.zoom.kind === "type";
    B.counts(model);
    B.controls(model, state.isGrid);
    B.side(model);
    const mode = !model.n ? "empty" : state.isGrid ? "grid" : isCards ? "cards" : "matrix";
    for (const [id, name] of [["matrix", "matrix"], ["cards", "cards"], ["grid-holder", "grid"], ["board-empty", "empty"]]) B.el(id).hidden = mode !== name;
    if (mode === "grid") B.updateGrid(model);
    if (mode === "cards") { if (isNew || state.cardsOf !== model.zoom) { state.cardsOf = model.zoom; B.buildCards(model); } else B.updateCards(model); }
    state.axes = model.axes();
    if (mode === "matrix") {
      state.roll = model.rollUp(state.axes);
      if (model.layer !== "status") B.layerValues(state);
    }
    B.trail(model, state.axes);
    if (mode === "matrix") {
      if (isNew || !state.size) { state.size = B.measure(model, state.axes); state.drawing++; B.frame(state); }
      draw();
    }
    isNew = false;
    writeAddress();
  };

  let tries = 0;
  const draw = () => {
    const state = B.state;
    if (!isHere() || !state.size || B.el("matrix").hidden) return;
    state.at = B.windowOf(state.size, state.axes, state.view);
    B.marks(state);
    B.heads(state);
    if (!B.plot(state)) { if (tries++ < 600) requestAnimationFrame(draw); return; }
    tries = 0;
    B.el("matrix").dataset.drawn = state.model.seq;
  };

  let addressTimer = null;
  const writeAddress = (wait = 200) => {
    clearTimeout(addressTimer);
    addressTimer = setTimeout(() => {
      if (!isHere() || !/^\/runs\/\d+$/.test(location.pathname)) return;
      const query = B.query(B.state.model, B.state.isGrid);
      history.replaceState(history.state, "", location.pathname + (query ? `?${query}` : ""));
    }, wait);
  };

  // The feed: patched at once, drawn at most once a frame -----------------------------------------------------------
  window.addEventListener("stripboard:events", ({ detail }) => {
    if (!isHere()) return;
    if (detail.state === "reset") { reread(); return; }
    const { model } = B.state, before = model.run.status;
    if (!model.apply(detail.events)) { if (detail.events.some((event) => event.subject === "job")) readLayerSoon(); return; }
    model.derive();
    if (model.run.status !== before) set("board-status", { data: model.run.status });
    readLayerSoon();
    B.refresh();
    const chosen = model.chosenCount && (model.chosenCount === 1 || !B.el("many-why").hidden) ? model.selected()[0] : -1;
    if (chosen >= 0 && detail.events.some((event) => touches(model, chosen, event))) B.selectionChanged(true);
  });
  const touches = (model, i, event) =>
    (event.subject === "cell" && event.subject_id === model.id(i)) || (event.subject === "still" && model.needSets[model.need[i]].some((need) =>
      need >= 0 && (model.stills[need].id === event.subject_id || model.stills[need].above.some((at) => model.stills[at].id === event.subject_id))));

  // What others ask for ----------------------------------------------------------------------------------------
  let lookTimer = null, looked = "";
  B.selectionChanged = (isAnew = false) => {
    clearTimeout(lookTimer);
    lookTimer = setTimeout(() => {
      if (!isHere()) return;
      const { model } = B.state, chosen = model.selected(), isMany = chosen.length > 1 && model.sharedDecision(chosen) < 0;
      B.el("many-why").hidden = isMany || chosen.length < 2;
      if (!chosen.length || isMany) { looked = ""; return; }
      const cell = model.id(chosen[0]), wanted = `${cell} ${chosen.length > 1}`;
      if (!isAnew && looked === wanted) return;
      looked = wanted;
      set("board-look", { data: { cell, many: chosen.length > 1, seq: model.seq } });
    }, isAnew ? 150 : 0);
  };

  B.zoomTo = (zoom, group) => {
    const state = B.state;
    state.model.zoom = zoom;
    state.cursor = state.hover = state.anchor = null;
    B.card(null);
    state.view.scrollTop = state.view.scrollLeft = 0;
    if (zoom.kind !== "project") readLayer();
    writeAddress(0);
    B.refresh(true);
    if (group !== undefined) requestAnimationFrame(() => { const at = B.el("cards").children[group]; if (at) at.scrollIntoView({ block: "nearest" }); });
  };

  B.announce = (spot) => {
    const { model } = B.state, i = B.oneAt(spot), count = B.cellsAt(spot).length;
    const one = i >= 0 && `${model.key(i)}: ${B.WORDS[model.shown[i]]}${model.chosen[i] ? ", selected" : ""}`;
    B.setText(B.el("board-said"), one || (count ? `${count} scenes` : "no scene here"));
  };

  B.hover = (spot, event) => {
    const { hover } = B.state;
    if (!spot && !hover) return;
    if (spot && hover && spot.line === hover.line && spot.column === hover.column) spot = hover;
    const isOther = spot !== hover;
    B.state.hover = spot;
    B.state.hoverAt = event && { clientX: event.clientX, clientY: event.clientY };
    B.card(spot, event);
    if (isOther) B.remark();
  };

  B.go = (path) => {
    history.pushState({}, "", path);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  };

  // For the tests and for people with the browser's tools open: to be read, not to be written.
  window.stripboard = Object.assign(window.stripboard || {}, {
    board: {
      statusOf: (key) => { const i = isHere() ? B.state.model.find(key) : -1; return i < 0 ? null : B.NAMES[B.state.model.shown[i]]; },
      counts: () => (isHere() ? Object.fromEntries(B.NAMES.map((name, code) => [name, B.state.model.counts[code]])) : null),
      selection: () => (isHere() ? B.state.model.selected().map((i) => B.state.model.key(i)) : []),
      cellRect: (key) => {
        if (!isHere() || !B.state.size) return null;
        const { model, axes, size, view } = B.state, i = model.find(key), box = view.getBoundingClientRect();
        const line = axes.lines.findIndex((one) => one.from <= model.row[i] && model.row[i] <= one.to);
        const column = axes.columns.findIndex((one) => one.columns.includes(model.column[i]));
        if (i < 0 || line < 0 || column < 0) return null;
        return { x: box.left + size.lefts[column] - view.scrollLeft, y: box.top + line * size.height - view.scrollTop, width: size.cell, height: size.height };
      },
      seq: () => (isHere() ? B.state.model.seq : -1),
    },
  });

  window.dash_clientside = Object.assign(window.dash_clientside || {}, {
    board: {
      mount,
      leave: (path) => {
        if (!/^\/(runs|cells)\//.test(path || "")) { if (B.state) set("feed-run", { data: null }); B.state = null; }
        return window.dash_clientside.no_update;
      },
    },
  });
  Object.assign(B, { readLayer, set, isHere });
})();
