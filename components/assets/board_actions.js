// What people do on the board: buttons, menus, chips and filters. Verbs become intents for the server; the rest stays here.
(() => {
  const B = (window.stripboardBoard = window.stripboardBoard || {});

  // Ask the server for a verb on what is chosen (or on `more.keys`), with the versions that this page has seen.
  let asked = 0;
  B.ask = (verb, more = {}) => {
    if (!B.isHere() || window.stripboard.refusesAway()) return;
    const { model } = B.state, isWhole = more.scope === "all";
    const chosen = isWhole ? [] : model.selected();
    if (!isWhole && !chosen.length && !more.still && !more.run) {
      B.say("Select scenes first: click cells, drag a box, click a name, or pick a status above.");
      return;
    }
    const able = { approve: [4], reject: chosen.some((i) => model.shown[i] === 4) ? [4] : [5] }[verb], cells = able ? chosen.filter((i) => able.includes(model.shown[i])) : chosen;
    const intent = { verb, run: B.state.run, at: ++asked, ...more };
    if (!more.still && !more.run) {
      intent.keys = isWhole || cells.length === model.n ? [] : cells.map((i) => model.key(i));
      intent.count = isWhole ? model.n : cells.length;
      if (able) intent.versions = cells.map((i) => model.version[i]);
      intent.withdraws = verb === "reject" && able[0] === 5;
      if (!intent.count) { B.say(`None of the selected scenes is in review: there is nothing to ${verb}.`); return; }
    }
    B.set("board-intent", { data: intent });
  };
  B.undo = () => { const at = document.querySelector(".toasts [data-undo]"); if (at) at.click(); };
  B.say = (text) => B.set("board-say", { data: { text, at: ++asked } });

  const toggle = (statuses, code) => { if (statuses.has(code)) statuses.delete(code); else statuses.add(code); };

  const chip = (at, event) => {
    const { model } = B.state, code = B.CODE[at.dataset.statusChip];
    if (event.ctrlKey || event.metaKey || event.shiftKey) { B.choose(model.where((i) => model.shown[i] === code), "add"); return; }
    toggle(model.filter.statuses, code);
    model.match();
    B.refresh();
  };

  const zoom = (kind) => {
    const { model, cursor, axes } = B.state, chosen = model.selected()[0];
    if (kind === "project") { B.zoomTo({ kind: "project" }); return; }
    const row = chosen !== undefined ? model.row[chosen] : cursor ? axes.lines[cursor.line].from : 0;
    const column = chosen !== undefined ? model.column[chosen] : cursor ? axes.columns[cursor.column].columns[0] : 0;
    if (kind === "character") B.zoomTo({ kind, row });
    else B.zoomTo({ kind: "type", group: model.columns[column].group });
  };

  // The next scene in review after the one that is chosen; the others step back.
  B.nextReview = () => {
    const { model } = B.state, waiting = model.where((i) => model.shown[i] === B.CODE.review), after = model.selected()[0];
    if (!waiting.length) return;
    model.filter.statuses = new Set([B.CODE.review]);
    model.match();
    const next = after === undefined ? undefined : waiting.find((i) => i > after);
    B.choose([next === undefined ? waiting[0] : next]);
  };

  const pickReason = (at) => at.parentElement.querySelectorAll("[data-reason]").forEach((one) => one.setAttribute("aria-checked", one === at));
  const answer = (yes) => {
    const dialog = document.getElementById("confirm"), why = dialog && dialog.querySelector('[data-reason][aria-checked="true"]');
    const words = document.getElementById("reject-words");
    B.set("board-done", { data: { yes, at: ++asked, reason: why ? why.dataset.reason : "", note: words ? words.value.trim() : "" } });
  };
  // In the dialog: a number picks a reason, Ctrl-Enter confirms.
  window.addEventListener("keydown", (event) => {
    const dialog = document.querySelector("#confirm");
    if (!B.isHere() || !dialog || !dialog.closest(".modal.show, .show") || /^(TEXTAREA|INPUT)$/.test(event.target.tagName)) return;
    const reasons = dialog.querySelectorAll("[data-reason]"), at = reasons[+event.key - 1];
    if (at) pickReason(at);
    if (event.key === "Enter" && event.target.tagName !== "BUTTON") { const yes = document.getElementById("confirm-yes"); if (yes && !yes.disabled) yes.click(); }
  });

  const clicks = {
    "[data-status-chip]": chip,
    "[data-layer]": (at) => { B.state.model.layer = at.dataset.layer; B.readLayer(); },
    "[data-zoom]": (at) => zoom(at.dataset.zoom),
    "[data-verb]": (at) => {
      const { verb, mode, scope, priority, still, candidate, take } = at.dataset;
      B.ask(verb, { ...(mode && { mode }), ...(scope && { scope }), ...(priority && { priority: +priority }),
        ...(still && { still, take: +take, candidate: candidate ? +candidate : null }), ...(at.dataset.run && { run: B.state.run }) });
    },
    "[data-keep]": (at) => { const code = B.CODE[at.dataset.keep], { model } = B.state; B.choose(model.selected().filter((i) => model.shown[i] === code)); },
    "[data-cell-link]": (at) => { const i = B.state.model.indexOf(+at.dataset.cellLink); if (i >= 0) B.choose([i]); },
    "[data-still-cells]": (at) => {
      const { model } = B.state;
      B.choose(model.thatNeed(+at.dataset.stillCells));
    },
    "[data-next-review]": () => B.nextReview(),
    "[data-stuck]": () => {
      const { model } = B.state, stuck = model.needSets.map((needs) => needs.some((need) => model.isStuck(need)));
      B.choose(model.where((i) => [6, 7].includes(model.shown[i]) || (model.shown[i] === 1 && stuck[model.need[i]])));
    },
    "[data-view]": (at) => { B.state.isGrid = B.restore(B.state.model, at.dataset.view); B.readLayer(); B.refresh(true); B.selectionChanged(); },
    "#pick-matching": () => { const { model } = B.state; B.choose(model.where((i) => model.matches[i] === 1)); },
    "#clear-filter": () => { B.state.model.filter = { statuses: new Set(), text: "" }; B.state.model.match(); B.refresh(); },
    "#clear-selection": () => B.choose([]),
    "#clear-one": () => B.choose([]),
    "[data-reason]": (at) => pickReason(at),
    "[data-confirm]": (at) => answer(at.dataset.confirm === "yes"),
    "#grid-toggle": () => { B.state.isGrid = !B.state.isGrid; B.refresh(true); },
    "#keep-view": () => B.set("board-view", { data: { query: B.query(B.state.model, B.state.isGrid), at: ++asked } }),
  };

  window.addEventListener("click", (event) => {
    if (!B.isHere() || !event.target.closest) return;
    for (const [selector, act] of Object.entries(clicks)) {
      const at = event.target.closest(selector);
      if (!at || at.disabled || !at.closest("#board, .modal, .toasts")) continue;
      if (at.closest(".dropdown-menu")) setTimeout(() => document.body.click());
      act(at, event);
      return;
    }
  });

  window.addEventListener("input", (event) => {
    if (!B.isHere() || event.target.id !== "board-find") return;
    B.state.model.filter.text = event.target.value;
    B.state.model.match();
    B.refresh();
  });
  window.addEventListener("change", (event) => {
    if (!B.isHere() || event.target.id !== "zoom-which") return;
    B.zoomTo(B.state.model.zoom.kind === "character" ? { kind: "character", row: +event.target.value } : { kind: "type", group: +event.target.value });
  });
})();
