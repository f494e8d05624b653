// Round the matrix: chips with counts, the strip, the card under the pointer, and the side panel of many chosen cells.
(() => {
  const B = (window.stripboardBoard = window.stripboardBoard || {});
  const ORDER = [5, 4, 3, 2, 1, 7, 6, 0, 8];
  const FOR = { submit: "not started or taken out", retry: "failed, rejected, or held up by what is", approve: "in review",
    reject: "in review or approved", cancel: "on its way" };

  const setText = (at, text) => { if (at && at.textContent !== text) at.textContent = text; };

  // Counts -----------------------------------------------------------------------------------------------------
  const counts = (model) => {
    for (const chip of document.querySelectorAll("[data-status-chip]")) {
      const code = B.CODE[chip.dataset.statusChip];
      setText(chip.querySelector("b"), model.counts[code].toLocaleString("en"));
      chip.setAttribute("aria-pressed", model.filter.statuses.has(code));
      chip.hidden = !model.counts[code] && !model.filter.statuses.has(code);
    }
    const strip = B.el("board-strip"), total = model.n || 1;
    ORDER.forEach((code, at) => {
      const part = strip.children[at] || strip.appendChild(B.make("i", `st-${B.NAMES[code]}`));
      part.style.flexGrow = model.counts[code];
      part.hidden = !model.counts[code];
      part.title = `${B.WORDS[code]}: ${model.counts[code].toLocaleString("en")} of ${total.toLocaleString("en")}`;
    });
    const pick = B.el("pick-matching");
    pick.hidden = !model.isFiltered;
    pick.disabled = !model.matching;
    setText(pick, model.matching ? `Select ${model.matching.toLocaleString("en")}` : "Nothing matches");
    B.el("clear-filter").hidden = !model.isFiltered;
  };

  // Zoom, layer and filter as they are -----------------------------------------------------------------------------
  const controls = (model, isGrid) => {
    document.querySelectorAll("[data-layer]").forEach((one) => one.setAttribute("aria-pressed", one.dataset.layer === model.layer));
    B.el("side-colours")?.toggleAttribute("hidden", model.layer !== "status");
    const kind = model.zoom.kind === "rows" ? "project" : model.zoom.kind;
    document.querySelectorAll("[data-zoom]").forEach((one) => one.setAttribute("aria-pressed", one.dataset.zoom === kind));
    B.el("grid-toggle").setAttribute("aria-pressed", isGrid);
    const find = B.el("board-find"), which = B.el("zoom-which");
    if (document.activeElement !== find && find.value !== model.filter.text) find.value = model.filter.text;
    which.hidden = kind === "project";
    if (kind === "project") return;
    const names = kind === "character" ? model.rows.map((one) => one.name) : model.groups;
    if (which.dataset.kind !== kind || which.options.length !== names.length) {
      which.dataset.kind = kind;
      which.replaceChildren(...names.map((name, at) => B.make("option", "", B.cut(name, 40), { value: at, title: name })));
    }
    which.value = kind === "character" ? model.zoom.row : model.zoom.group;
    which.setAttribute("aria-label", kind === "character" ? "Which character" : "Which scene type");
  };

  // Where one is in a run that is rolled up -------------------------------------------------------------------------
  const trail = (model, axes) => {
    const at = B.el("board-trail"), zoom = model.zoom, parts = [];
    if (zoom.kind === "rows" || (zoom.kind === "character" && model.n > 5000)) {
      parts.push(B.make("button", "btn ghost sm", "← whole project", { type: "button", "data-zoom": "project" }));
      parts.push(B.make("span", "muted", zoom.kind === "rows" ? B.lineName(model, axes, zoom) : model.rows[zoom.row].name));
    }
    if (axes.isRolled) {
      parts.push(B.make("span", "faint", `Rolled up: the colour of what needs attention most, and the share approved. `
        + `${axes.band > 1 ? `Each line is ${axes.band} characters. ` : ""}Click to look inside.`));
    }
    const told = !B.el("matrix").hidden && { qa: "How far the worst measure is inside its limit, in percent; ▲ is outside.", wait: "How long scenes wait", duration: "Working time of the newest take",
      cost: model.unit === "money" ? "What all takes have cost" : "Generation time of all takes", attempts: "Tries of all jobs" }[model.layer];
    if (told) parts.push(B.make("span", "faint", model.layer === "qa" || !B.state.layerMost ? told : `${told}: bright is ${B.amount(model, B.state.layerMost)}.`));
    at.hidden = !parts.length;
    at.replaceChildren(...parts);
  };

  // The card under the pointer ---------------------------------------------------------------------------------------
  const card = (spot, event) => {
    const at = B.el("hover-card");
    if (!spot) { at.hidden = true; return; }
    const { model, axes, roll } = B.state, one = B.oneAt(spot), lines = [];
    if (one >= 0) lines.push(...cellLines(model, one));
    else {
      const place = spot.line * roll.wide + spot.column;
      lines.push(B.make("b", "", `${B.lineName(model, axes, axes.lines[spot.line])} / ${model.groups[axes.columns[spot.column].group]}`));
      lines.push(B.make("div", "", `${B.counted(roll.all[place], "scene")}, ${roll.done[place].toLocaleString("en")} approved`));
      const counts = {};
      B.cellsAt(spot).forEach((i) => { counts[model.shown[i]] = (counts[model.shown[i]] || 0) + 1; });
      ORDER.filter((code) => counts[code]).forEach((code) => lines.push(line(code, `${counts[code].toLocaleString("en")} ${B.WORDS[code]}`)));
    }
    at.replaceChildren(...lines);
    at.hidden = false;
    const wide = at.offsetWidth, tall = at.offsetHeight;
    at.style.left = `${Math.min(event.clientX + 14, window.innerWidth - wide - 8)}px`;
    at.style.top = `${event.clientY + 18 + tall > window.innerHeight ? event.clientY - tall - 10 : event.clientY + 18}px`;
  };
  const line = (code, text) => { const row = B.make("div", "bx-line"); row.append(B.badge(code), B.make("span", "", text)); return row; };
  const cellLines = (model, i) => {
    const code = model.shown[i], age = B.duration(Date.now() / 1000 - model.since[i]);
    const found = [B.make("b", "", model.key(i)), line(code, code === 0 ? B.WORDS[code] : B.standing(i, age))];
    if (code === 1) model.waitsFor(i).slice(0, 4).forEach((need) => found.push(line(need.status, `waits for ${need.what}: ${B.WORDS[need.status]}`)));
    if (model.reason.get(i)) found.push(B.make("div", "muted", model.reason.get(i)));
    found.push(...B.liveLines(i));
    if (model.stale.has(i)) found.push(B.make("div", "bx-stale", `△ stale: ${model.stale.get(i)}`));
    if (model.take[i]) found.push(B.make("div", "faint", `take ${model.take[i]}`));
    const value = model.layer === "status" ? null : B.valueOf(model, i);
    if (value !== null) {
      const word = { qa: "inside its limits by", wait: "waits", duration: "made in", cost: model.unit === "money" ? "cost" : "generation time", attempts: "attempts" }[model.layer];
      const text = model.layer === "qa" ? `${Math.round(value * 100)} %` : B.amount(model, value);
      found.push(B.make("div", "faint", `${word} ${text}`));
    }
    return found;
  };

  // A number of the layer in words.
  B.amount = (model, value) =>
    model.layer === "attempts" ? String(Math.round(value * 10) / 10) : model.layer === "cost" && model.unit === "money" ? B.money(value) : B.duration(value);

  // Why scenes failed or were rejected, the most common reasons first.
  const causes = (model, chosen) => {
    const by = new Map();
    for (const i of chosen) {
      const why = [6, 7].includes(model.shown[i]) && model.reason.get(i);
      if (why) by.set(why, (by.get(why) || 0) + 1);
    }
    return [...by].sort((one, other) => other[1] - one[1]).slice(0, 3).map(([why, count]) => B.make("div", "muted bx-reason", `${count.toLocaleString("en")} × ${why}`));
  };

  // Many cells ------------------------------------------------------------------------------------------------------
  const many = (model) => {
    const chosen = model.selected(), at = (id) => B.el(id), by = new Int32Array(9), rows = new Set(), groups = new Set();
    let seconds = 0, bytes = 0;
    for (const i of chosen) {
      by[model.shown[i]]++;
      rows.add(model.row[i]);
      groups.add(model.columns[model.column[i]].group);
      seconds += model.types[model.type[i]][1];
      bytes += model.types[model.type[i]][2];
    }
    setText(at("many-count"), `${chosen.length.toLocaleString("en")} selected`);
    const name = (set, names, word) => (set.size === 1 ? names([...set][0]) : B.counted(set.size, word));
    setText(at("many-where"), `${name(rows, (row) => model.rows[row].name, "row")} · ${name(groups, (group) => model.groups[group], "column")}`);
    const lines = [];
    ORDER.filter((code) => by[code]).forEach((code) => {
      const word = B.make("button", "bx-kv", null, { type: "button", "data-keep": B.NAMES[code], title: `Keep only these ${by[code]} selected` });
      word.append(B.badge(code), B.make("span", "", B.WORDS[code]), B.make("b", "num", by[code].toLocaleString("en")));
      lines.push(word);
    });
    at("many-counts").replaceChildren(...lines, ...causes(model, chosen));
    setText(at("many-time"), B.duration(seconds));
    setText(at("many-disk"), B.size(bytes));
    const stuck = model.needSets.map((needs) => needs.some((need) => model.isStuck(need)));
    const able = { submit: by[0] + by[8], retry: by[7] + by[6] + chosen.filter((i) => model.shown[i] === 1 && stuck[model.need[i]]).length, approve: by[4], reject: by[4] || by[5],
      cancel: by[1] + by[2] + by[3] + by[4] + by[6] + by[7] };
    setText(at("many-reject"), !by[4] && by[5] ? "Withdraw " : "Reject ");
    let primary = ["approve", "retry", "submit"].find((verb) => able[verb] && (verb !== "approve" || able.approve === chosen.length));
    primary = primary || ["submit", "retry", "approve"].find((verb) => able[verb]);
    document.querySelectorAll("#side-many > .bx-many-buttons [data-verb]").forEach((button) => {
      const verb = button.dataset.verb, count = able[verb];
      button.classList.toggle("primary", verb === primary);
      if (count === undefined) return;
      button.disabled = !count;
      button.title = count ? "" : `None of these ${chosen.length.toLocaleString("en")} is ${FOR[verb]}`;
      setText(button.querySelector("b"), count ? count.toLocaleString("en") : "");
    });
  };

  // Which of the three panels is shown; of one cell the server tells the rest.
  const side = (model) => {
    const count = model.chosenCount, aside = B.el("side");
    aside.dataset.shows = count === 0 ? "none" : count === 1 ? "one" : "many";
    if (count > 1) many(model);
  };

  Object.assign(B, { counts, controls, trail, card, side, setText });
})();
