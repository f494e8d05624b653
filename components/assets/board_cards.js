// One character, or one scene type: a card for each scene, with its picture and how far its segments are.
(() => {
  const B = (window.stripboardBoard = window.stripboardBoard || {});
  const MOST_CARDS = 600, MOST_ABREAST = 4;

  // Lines of cards as {name, cells}: of a character its scene types, of a scene type its characters.
  const linesOf = (model) => {
    const zoom = model.zoom, lines = [];
    const take = (row, group) => model.columnsOf[group].map((column) => model.at(row, column)).filter((i) => i >= 0);
    if (zoom.kind === "character") model.groups.forEach((name, group) => lines.push({ name, cells: take(zoom.row, group) }));
    else model.rows.forEach((row, at) => lines.push({ name: row.name, cells: take(at, zoom.group) }));
    return lines.filter((one) => one.cells.length);
  };

  const build = (model) => {
    const at = B.el("cards"), lines = linesOf(model), nodes = [];
    let count = 0;
    for (const line of lines) {
      if (count >= MOST_CARDS) break;
      const row = B.make("section", "bx-cards");
      row.append(B.make("h3", "bx-cards-name", B.cut(line.name, 36), { title: line.name }));
      const list = B.make("div", "bx-cards-list");
      line.cells.forEach((i) => list.append(card(model, i)));
      count += line.cells.length;
      row.append(list);
      nodes.push(row);
    }
    const all = lines.reduce((sum, line) => sum + line.cells.length, 0);
    if (count < all) nodes.push(B.make("p", "muted", `The first ${count} of ${all} scenes. Filter by status or name to see others.`));
    const most = lines.reduce((longest, one) => Math.max(longest, one.cells.length), 1);
    at.style.setProperty("--looks", most);
    at.toggleAttribute("data-wraps", most > MOST_ABREAST);
    at.replaceChildren(...nodes);
    update(model);
  };

  const card = (model, i) => {
    const column = model.columns[model.column[i]];
    const at = B.make("button", "bx-card", null, { type: "button", "data-cell": i, title: model.key(i) });
    const shot = B.make("div", "bx-shot");
    const foot = B.make("div", "bx-card-foot");
    foot.append(B.make("span", "badge-status"), B.make("span", "bx-name", column.name || model.groups[column.group]), B.make("span", "bx-parts"));
    at.append(shot, foot);
    return at;
  };

  // Bring the cards up to date without building them again: picture, badge, segments, tick.
  const update = (model) => {
    for (const at of B.el("cards").querySelectorAll(".bx-card")) {
      const i = +at.dataset.cell, code = model.shown[i], made = B.state.segments ? B.state.segments[model.id(i)] || 0 : 0;
      const wanted = made > 0 ? `/media/cells/${model.id(i)}/poster.jpg?h=180&of=${model.take[i]}` : "";
      const shot = at.firstChild;
      if (shot.dataset.src !== wanted) {
        shot.dataset.src = wanted;
        shot.replaceChildren(...(wanted ? [B.make("img", "", null, { src: wanted, alt: "", loading: "lazy" })] : []));
      }
      if (!wanted) B.setText(shot, B.GLYPHS[code]);
      const mark = at.querySelector(".badge-status");
      mark.className = `badge-status st-${B.NAMES[code]}`;
      mark.textContent = B.GLYPHS[code];
      mark.title = B.WORDS[code];
      at.setAttribute("aria-label", `${model.key(i)}: ${B.WORDS[code]}`);
      at.setAttribute("aria-pressed", model.chosen[i] === 1);
      at.classList.toggle("out", model.isFiltered && !model.matches[i]);
      at.classList.toggle("stale", model.stale.has(i));
      segments(at.querySelector(".bx-parts"), model.types[model.type[i]][3], made, code);
      const live = B.running(i);
      at.title = live ? `${model.key(i)}: ${live.step || "under way"}, ${live.worker}` : model.key(i);
    }
  };
  const segments = (at, all, made, code) => {
    if (at.children.length !== all) at.replaceChildren(...Array.from({ length: Math.min(all, 24) }, () => B.make("i")));
    [...at.children].forEach((part, number) => { part.className = number < made ? "made" : number === made && code === 3 ? "now" : ""; });
    at.title = `${made} of ${B.counted(all, "segment")}`;
  };

  window.addEventListener("click", (event) => {
    const at = event.target.closest(".bx-card");
    if (at && B.state) B.choose([+at.dataset.cell], event.ctrlKey || event.metaKey ? "toggle" : "only");
  });
  window.addEventListener("dblclick", (event) => {
    const at = event.target.closest(".bx-card");
    if (at && B.state) B.open(+at.dataset.cell);
  });

  Object.assign(B, { buildCards: build, updateCards: update });
})();
