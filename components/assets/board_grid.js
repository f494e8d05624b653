// The same matrix as an AG Grid: for the keyboard and for screen readers. A cell says its status in words.
(() => {
  const B = (window.stripboardBoard = window.stripboardBoard || {});
  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

  const index = (params) => (B.state && params.data && params.colDef.field ? B.state.model.at(params.data.line, +params.colDef.field.slice(1)) : -1);
  const codeOf = (value) => B.WORDS.findIndex((word) => value.includes(word));
  functions.boardCellClass = (params) => (params.value ? `bx-grid-cell st-${B.NAMES[codeOf(params.value)]}` : "bx-grid-none");
  functions.boardRowId = (params) => String(params.data.line);

  const text = (model, i) => {
    if (i < 0) return "";
    return `${model.chosen[i] ? "☑ " : ""}${B.GLYPHS[model.shown[i]]} ${B.WORDS[model.shown[i]]}${model.stale.has(i) ? ", stale" : ""}`;
  };
  const lineOf = (model, axes, row) => {
    const found = { line: row, name: model.rows[row].name, done: `${B.share(model.rowDone[row], model.rowAll[row])} %` };
    axes.columns.forEach((one) => one.columns.forEach((column) => { found[`c${column}`] = text(model, model.at(row, column)); }));
    return found;
  };

  const rowsOf = (model, axes) => {
    const found = [];
    for (let row = axes.from; row <= axes.to; row++) {
      let isIn = !model.isFiltered;
      for (let column = 0; !isIn && column < model.columns.length; column++) { const i = model.at(row, column); isIn = i >= 0 && model.matches[i] === 1; }
      if (isIn) found.push(lineOf(model, axes, row));
    }
    return found;
  };

  // The grid's own handle; none until it has been drawn for the first time.
  const gridApi = () => { try { return window.dash_ag_grid.getApi("board-grid"); } catch { return null; } };

  const spec = () => window.dash_clientside.board.grid;

  let shown = "", told = new Map();
  const build = (model) => {
    const axes = model.axes(), wanted = JSON.stringify([model.zoom, model.filter.text, [...model.filter.statuses], model.seq === 0]);
    const groups = [...new Set(axes.columns.map((one) => one.group))];
    const cell = { cellClass: { function: "boardCellClass(params)" }, sortable: false, minWidth: 118, flex: 1 };
    const defs = [{ headerName: "scenes of", children: [{ field: "name", headerName: "name", pinned: "left", width: 170, tooltipField: "name" }] }];
    groups.forEach((group) => defs.push({ headerName: model.groups[group], children: model.columnsOf[group].map((column) =>
      ({ ...cell, field: `c${column}`, headerName: model.columns[column].name || model.groups[group] })) }));
    defs.push({ headerName: "done", children: [{ field: "done", headerName: "approved", pinned: "right", width: 104 }] });
    const rows = rowsOf(model, axes);
    told = new Map(rows.map((row) => [row.line, JSON.stringify(row)]));
    shown = wanted;
    if (B.el("board-grid")) { B.set("board-grid", { columnDefs: defs, rowData: rows }); return; }
    // The grid's library is large: it is loaded when somebody asks for the grid for the first time.
    B.set("grid-holder", { children: { ...spec(), props: { ...spec().props, columnDefs: defs, rowData: rows } } });
  };

  // Only the lines that say something else now.
  const update = (model) => {
    const wanted = JSON.stringify([model.zoom, model.filter.text, [...model.filter.statuses], model.seq === 0]);
    if (wanted !== shown) { build(model); return; }
    const api = gridApi();
    if (!api) return;
    const axes = model.axes(), changed = [];
    for (const line of told.keys()) {
      const row = lineOf(model, axes, line), said = JSON.stringify(row);
      if (said !== told.get(line)) { told.set(line, said); changed.push(row); }
    }
    if (changed.length) api.applyTransactionAsync({ update: changed });
  };

  const focused = () => {
    const api = gridApi(), at = api && api.getFocusedCell();
    const node = at && api.getDisplayedRowAtIndex(at.rowIndex);
    return node ? index({ data: node.data, colDef: at.column.getColDef() }) : -1;
  };
  window.addEventListener("click", (event) => {
    if (!B.state || !event.target.closest("#board-grid .ag-cell")) return;
    const i = focused();
    if (i >= 0) B.choose([i], event.ctrlKey || event.metaKey ? "toggle" : "only");
  });
  window.addEventListener("keydown", (event) => {
    if (!B.state || !event.target.closest || !event.target.closest("#board-grid .ag-cell")) return;
    const i = focused();
    if (i < 0) return;
    if (event.key === "Enter") B.open(i);
    if (event.key === " ") { event.preventDefault(); B.choose([i], "toggle"); }
  }, true);

  Object.assign(B, { updateGrid: update });
})();
