// Headers of the matrix: names of lines, groups and columns as buttons that select, and how much of each is done.
(() => {
  const B = (window.stripboardBoard = window.stripboardBoard || {});
  const { min, round } = Math;

  const place = (at, box) => Object.assign(at.style, Object.fromEntries(Object.entries(box).map(([name, px]) => [name, `${px}px`])));

  // Where the parts stand; the sizes change with the window, the zoom and the theme's scale, not with the statuses.
  const frame = (state) => {
    const { size, view } = state, matrix = B.el("matrix");
    matrix.style.setProperty("--labels", `${size.labels}px`);
    matrix.style.setProperty("--head", `${size.head}px`);
    matrix.style.setProperty("--foot", `${size.foot}px`);
    const box = matrix.getBoundingClientRect();
    const wide = min(size.wide + 12, box.width - size.labels - size.done), tall = min(size.tall + 1, box.height - size.head - size.foot);
    place(view, { left: size.labels, top: size.head, width: wide, height: tall });
    place(B.el("matrix-space"), { width: size.wide, height: size.tall });
    place(B.el("matrix-columns"), { left: size.labels, top: 0, width: wide, height: size.head });
    place(B.el("matrix-rows"), { left: 0, top: size.head, width: size.labels, height: tall });
    place(B.el("matrix-done"), { left: size.labels + wide + 2, top: size.head, width: size.done, height: tall });
    place(B.el("matrix-foot"), { left: size.labels, top: size.head + tall, width: wide, height: size.foot });
    place(B.el("matrix-done-word"), { left: size.labels + wide + 10, top: size.head - 20 * size.unit });
    place(B.el("matrix-foot-word"), { left: 0, top: size.head + tall + 6 });
  };

  const rows = (state) => {
    const { axes, size, at, model, view } = state, names = B.el("matrix-rows"), done = B.el("matrix-done");
    const heads = [], shares = [];
    for (let line = at.top; line <= at.bottom; line++) {
      const one = axes.lines[line], name = B.lineName(model, axes, one), top = line * size.height - view.scrollTop;
      const head = B.make("button", "bx-row", null, { type: "button", title: `Select ${name}`, "data-line": line });
      if (size.hasPictures && size.height >= 18) head.append(thumb(model, one, size));
      head.append(B.make("span", "bx-name", B.cut(name, round((size.labels - (size.hasPictures ? 50 : 18)) / (7 * size.unit)))));
      place(head, { top, height: size.height });
      heads.push(head);
      let part = 0, all = 0;
      for (let row = one.from; row <= one.to; row++) { part += model.rowDone[row]; all += model.rowAll[row]; }
      const share = B.share(part, all), bar = B.make("div", "bx-share", null, { title: `${part} of ${all} approved`, "data-done": line });
      bar.append(B.make("i", "bar"), B.make("span", "num", `${share} %`));
      bar.firstChild.append(B.make("i", "st-approved", null, { style: { width: `${share}%` } }));
      place(bar, { top, height: size.height });
      shares.push(bar);
    }
    names.replaceChildren(...heads);
    done.replaceChildren(...shares);
  };

  const thumb = (model, one, size) => {
    const row = model.rows[one.from], side = min(26 * size.unit, size.height - 4);
    const box = B.make("span", "bx-thumb");
    box.style.width = box.style.height = `${side}px`;
    if (row.picture !== null) {
      box.append(B.make("img", "", null, { src: `/media/runs/${model.run.id}/characters/${row.picture}.jpg?h=90`, alt: "", loading: "lazy" }));
    } else {
      box.append(B.make("span", "bx-initial", [...row.name][0], { "aria-hidden": "true" }));
    }
    return box;
  };

  const columns = (state) => {
    const { axes, size, at, model, view } = state, names = B.el("matrix-columns"), foot = B.el("matrix-foot");
    const heads = [], feet = [];
    for (let column = at.left; column <= at.right; ) {
      const group = axes.columns[column].group;
      let first = column, last = column;
      while (first > 0 && axes.columns[first - 1].group === group) first--;
      while (last + 1 < axes.columns.length && axes.columns[last + 1].group === group) last++;
      const left = size.lefts[first] - view.scrollLeft, wide = size.lefts[last] + size.cell - size.lefts[first], name = model.groups[group];
      const shown = size.isSteep ? [B.fit(name, size.head - 12, .92, 500)] : B.lines(name, wide - 6, 1, 600);
      const head = B.make("button", `bx-group${size.isSteep ? " steep" : ""}`, null,
        { type: "button", title: `Select ${name}`, "data-group": group });
      head.append(B.make("span", "", shown.join("\n")));
      place(head, { left, width: wide, height: size.head - (size.showsLooks ? 18 * size.unit : 0) - 2 });
      heads.push(head);
      const share = B.share(model.groupDone[group], model.groupAll[group]);
      const mark = B.make("span", "bx-foot num", wide >= 38 * size.unit ? `${share} %` : wide >= 15 * size.unit ? String(share) : "",
        { title: `${name}: ${model.groupDone[group]} of ${model.groupAll[group]} approved`, "data-group": group });
      place(mark, { left, width: wide });
      feet.push(mark);
      column = last + 1;
    }
    if (size.showsLooks) heads.push(...looks(state));
    names.replaceChildren(...heads);
    foot.replaceChildren(...feet);
  };

  const looks = ({ axes, size, at, model, view }) => {
    const heads = [], nameOf = (column) => model.columns[axes.columns[column].columns[0]].name;
    const shown = B.fitApart([...new Set(axes.columns.map((_, column) => nameOf(column)).filter(Boolean))], size.cell, .85);
    for (let column = at.left; column <= at.right; column++) {
      const one = axes.columns[column], name = nameOf(column);
      if (!name) continue;
      const head = B.make("button", "bx-look", shown.get(name),
        { type: "button", title: `Select ${model.groups[one.group]} / ${name}`, "data-column": column });
      place(head, { left: size.lefts[column] - view.scrollLeft, width: size.cell, height: 17 * size.unit, top: size.head - 19 * size.unit });
      heads.push(head);
    }
    return heads;
  };

  // New buttons only where something else is in view; a change of a status changes only the shares, and keeps the focus.
  let built = "";
  const heads = (state) => {
    const { axes, at, size, view, model } = state;
    const wanted = [state.drawing, at.top, at.bottom, at.left, at.right, size.cell, size.height, size.head, view.scrollTop, view.scrollLeft].join();
    if (wanted !== built || !B.el("matrix-foot").firstChild) { built = wanted; rows(state); columns(state); return; }
    for (const bar of B.el("matrix-done").children) {
      const one = axes.lines[+bar.dataset.done];
      let part = 0, all = 0;
      for (let row = one.from; row <= one.to; row++) { part += model.rowDone[row]; all += model.rowAll[row]; }
      say(bar.lastChild, `${B.share(part, all)} %`);
      bar.firstChild.firstChild.style.width = `${B.share(part, all)}%`;
      bar.title = `${part} of ${all} approved`;
    }
    for (const mark of B.el("matrix-foot").children) {
      const group = +mark.dataset.group, share = B.share(model.groupDone[group], model.groupAll[group]);
      if (mark.textContent) say(mark, mark.textContent.includes("%") ? `${share} %` : String(share));
      mark.title = `${model.groups[group]}: ${model.groupDone[group]} of ${model.groupAll[group]} approved`;
    }
  };
  const say = (at, text) => { if (at.textContent !== text) at.textContent = text; };

  Object.assign(B, { frame, heads });
})();
