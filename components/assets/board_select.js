// Choosing cells: click, Ctrl-click, a box, headers, chips and keys. It changes the model and asks for a new drawing.
(() => {
  const B = (window.stripboardBoard = window.stripboardBoard || {});
  const isOn = () => B.state && B.el("matrix");

  // The visible place under the pointer, as {line, column, x, y} in pixels of the whole drawing; null beside the cells.
  const spotAt = (event) => {
    const { view, size, axes } = B.state, box = view.getBoundingClientRect();
    const x = event.clientX - box.left + view.scrollLeft, y = event.clientY - box.top + view.scrollTop;
    const line = Math.floor(y / size.height), column = size.lefts.findIndex((left) => x >= left && x < left + size.cell);
    const isThere = column >= 0 && line >= 0 && line < axes.lines.length;
    return { x, y, spot: isThere ? { line, column } : null };
  };
  const cellsAt = (spot) => B.state.model.within(B.state.axes, spot.line, spot.line, spot.column, spot.column);
  const oneAt = (spot) => { const cells = spot ? cellsAt(spot) : []; return cells.length === 1 && !B.state.axes.isRolled ? cells[0] : -1; };

  const choose = (cells, how) => {
    B.state.model.choose(cells, how);
    B.refresh();
    B.selectionChanged();
  };

  const drillInto = (spot) => {
    const { model, axes } = B.state, line = axes.lines[spot.line];
    if (line.from === line.to) B.zoomTo({ kind: "character", row: line.from }, axes.columns[spot.column].group);
    else B.zoomTo({ kind: "rows", from: line.from, to: line.to });
    return model;
  };

  const open = (i) => B.go(`/cells/${B.state.model.id(i)}`);

  // Pointer ----------------------------------------------------------------------------------------------------
  const down = (event) => {
    if (!isOn() || event.button !== 0 || !event.target.closest("#matrix-view")) return;
    const { view } = B.state, box = view.getBoundingClientRect();
    if (event.clientX - box.left > view.clientWidth || event.clientY - box.top > view.clientHeight) return;
    const { x, y, spot } = spotAt(event);
    B.state.drag = { x, y, x2: x, y2: y, spot, isBox: false, adds: event.ctrlKey || event.metaKey, extends: event.shiftKey };
    view.focus({ preventScroll: true });
    event.preventDefault();
  };
  const move = (event) => {
    if (!isOn()) return;
    const { drag } = B.state;
    if (drag) {
      const { x, y } = spotAt(event);
      drag.x2 = x;
      drag.y2 = y;
      if (Math.abs(x - drag.x) + Math.abs(y - drag.y) > 5) drag.isBox = true;
      B.remark();
      return;
    }
    if (!event.target.closest("#matrix-view")) { B.hover(null); return; }
    const { spot } = spotAt(event);
    B.hover(spot && cellsAt(spot).length ? spot : null, event);
  };
  const up = (event) => {
    if (!isOn() || !B.state.drag) return;
    const { drag, model, axes, size } = B.state;
    B.state.drag = null;
    if (drag.isBox) {
      const inside = (low, high, lefts, wide) => lefts.map((left, at) => [left, at]).filter(([left]) => left < high && left + wide > low).map(([, at]) => at);
      const columns = inside(Math.min(drag.x, drag.x2), Math.max(drag.x, drag.x2), size.lefts, size.cell);
      const top = Math.max(0, Math.floor(Math.min(drag.y, drag.y2) / size.height));
      const bottom = Math.min(axes.lines.length - 1, Math.floor(Math.max(drag.y, drag.y2) / size.height));
      const cells = columns.length && bottom >= top ? model.within(axes, top, bottom, columns[0], columns[columns.length - 1]) : [];
      choose(cells, drag.adds ? "add" : "only");
      return;
    }
    clicked(drag, event);
  };
  const clicked = (drag) => {
    const { spot } = drag, { axes, cursor } = B.state;
    if (!spot || !cellsAt(spot).length) { if (!drag.adds) choose([], "only"); return; }
    const start = cursor;
    B.state.cursor = spot;
    if (drag.extends && start) { chooseTo(start, spot, drag.adds); return; }
    if (axes.isRolled && !drag.adds) { drillInto(spot); return; }
    choose(cellsAt(spot), drag.adds ? "toggle" : "only");
  };
  const chooseTo = (start, end, adds) => {
    const { model, axes } = B.state, { min, max } = Math;
    choose(model.within(axes, min(start.line, end.line), max(start.line, end.line), min(start.column, end.column), max(start.column, end.column)),
      adds ? "add" : "only");
  };

  // Headers: a click selects the whole of it, with Ctrl it adds.
  const header = (event) => {
    const head = event.target.closest("[data-line], [data-group].bx-group, .bx-look, #matrix-corner");
    if (!head || !isOn()) return false;
    const { model, axes } = B.state, how = event.ctrlKey || event.metaKey ? "toggle" : "only", last = axes.columns.length - 1;
    const lines = axes.lines.length - 1;
    if (head.id === "matrix-corner") choose(model.within(axes, 0, lines, 0, last), how);
    else if (head.dataset.line !== undefined) choose(model.within(axes, +head.dataset.line, +head.dataset.line, 0, last), how);
    else if (head.dataset.column !== undefined) choose(model.within(axes, 0, lines, +head.dataset.column, +head.dataset.column), how);
    else choose(axes.columns.flatMap((one, at) => (one.group === +head.dataset.group ? model.within(axes, 0, lines, at, at) : [])), how);
    return true;
  };

  // Keys -------------------------------------------------------------------------------------------------------
  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const step = (event) => {
    const { axes, cursor } = B.state, [down, right] = STEPS[event.key], from = cursor || { line: 0, column: 0 };
    if (!axes.lines.length || !axes.columns.length) return;
    const next = cursor ? { line: B.clamp(from.line + down, 0, axes.lines.length - 1), column: B.clamp(from.column + right, 0, axes.columns.length - 1) } : from;
    B.state.cursor = next;
    B.state.hasFocus = true;
    if (event.shiftKey) { B.state.anchor = B.state.anchor || from; chooseTo(B.state.anchor, next, false); }
    else B.state.anchor = null;
    reveal(next);
    B.announce(next);
    B.remark();
  };
  const reveal = ({ line, column }) => {
    const { view, size } = B.state, top = line * size.height, left = size.lefts[column];
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + size.height > view.scrollTop + view.clientHeight) view.scrollTop = top + size.height - view.clientHeight;
    if (left < view.scrollLeft) view.scrollLeft = left;
    else if (left + size.cell > view.scrollLeft + view.clientWidth) view.scrollLeft = left + size.cell - view.clientWidth;
  };

  const VERBS = { s: "submit", a: "approve", x: "reject", r: "retry" };
  let chord = 0;
  const key = (event) => {
    if (!isOn() || !window.stripboard.isForPage(event) || document.querySelector(".offcanvas.show, .dropdown-menu.show")) return;
    const isChord = Date.now() - chord < 1200;
    chord = event.key === "g" ? Date.now() : 0;
    if (isChord) return;
    const at = document.activeElement, isOnControl = at && /^(BUTTON|A|SUMMARY)$/.test(at.tagName);
    const isInGrid = at && at.closest("#board-grid");
    if (event.key === "Escape") { choose([], "only"); return; }
    if (event.key === "z") { B.undo(); return; }
    if (VERBS[event.key]) { verbKey(VERBS[event.key]); return; }
    if (isInGrid || B.el("matrix").hidden) return;
    if (STEPS[event.key]) { event.preventDefault(); step(event); return; }
    if (isOnControl || !B.state.cursor) return;
    if (event.key === " ") { event.preventDefault(); choose(cellsAt(B.state.cursor), "toggle"); }
    if (event.key === "Enter") {
      event.preventDefault();
      if (B.state.axes.isRolled) drillInto(B.state.cursor);
      else if (oneAt(B.state.cursor) >= 0) open(oneAt(B.state.cursor));
    }
  };
  // A key acts on what is chosen; with nothing chosen, on the cell under the ring.
  const verbKey = (verb) => {
    const { model, cursor } = B.state;
    if (!model.chosenCount && cursor) choose(cellsAt(cursor), "only");
    const decision = document.querySelector(`#side[data-shows="${model.chosenCount > 1 ? "many" : "one"}"] .bx-why [data-verb="${verb}-still"].btn`);
    if (decision && decision.offsetParent && !model.selected().some((i) => model.shown[i] === B.CODE.review)) { decision.click(); return; }
    B.ask(verb, verb === "submit" ? { mode: "missing" } : {});
  };

  window.addEventListener("pointerdown", down);
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", up);
  window.addEventListener("pointercancel", () => { if (B.state) B.state.drag = null; });
  window.addEventListener("click", header);
  window.addEventListener("dblclick", (event) => {
    if (!isOn() || !event.target.closest("#matrix-view")) return;
    const i = oneAt(spotAt(event).spot);
    if (i >= 0) open(i);
  });
  window.addEventListener("keydown", key);
  window.addEventListener("focusin", (event) => {
    if (!B.state) return;
    B.state.hasFocus = !!event.target.closest("#matrix-view");
    if (B.state.hasFocus && !B.state.cursor) B.state.cursor = { line: 0, column: 0 };
    B.remark();
  });

  Object.assign(B, { cellsAt, oneAt, choose, reveal, open });
})();
