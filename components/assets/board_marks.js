// What lies above the heatmap: glyphs, hatching, ticks, the keyboard's ring, shares of rolled-up cells, the box being drawn.
(() => {
  const B = (window.stripboardBoard = window.stripboardBoard || {});

  const FONT = '"DejaVu Sans", "Noto Sans Symbols2", "Segoe UI Symbol", sans-serif';

  const prepared = (canvas, wide, tall) => {
    const scale = window.devicePixelRatio || 1, pen = canvas.getContext("2d");
    if (canvas.width !== Math.round(wide * scale) || canvas.height !== Math.round(tall * scale)) {
      canvas.width = Math.round(wide * scale);
      canvas.height = Math.round(tall * scale);
      canvas.style.width = `${wide}px`;
      canvas.style.height = `${tall}px`;
    }
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, wide, tall);
    return pen;
  };

  const marks = (state) => {
    const { view, size, at, roll, model, axes } = state, paint = B.theme();
    const pen = prepared(B.el("matrix-marks"), Math.min(view.clientWidth, size.wide), Math.min(view.clientHeight, size.tall));
    const inset = size.cell >= 10 ? 1 : size.cell >= 4 ? 0.5 : 0, values = model.layer === "status" ? null : B.layerValues(state).of;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (let line = at.top; line <= at.bottom; line++) {
      for (let column = at.left; column <= at.right; column++) {
        const place = line * roll.wide + column, code = roll.code[place];
        if (code === 255) continue;
        const box = { x: size.lefts[column] - view.scrollLeft + inset, y: line * size.height - view.scrollTop + inset,
          w: size.cell - 2 * inset, h: size.height - 2 * inset };
        const one = axes.isRolled ? -1 : model.at(axes.lines[line].from, axes.columns[column].columns[0]);
        if (values) drawNumber(pen, box, paint, model.layer, values[place], state);
        else drawStatus(pen, box, paint, code, roll, place, axes.isRolled);
        const live = one >= 0 ? B.running(one) : undefined;
        if (one >= 0 && !values && B.idle(one)) hatch(pen, box, paint);
        if (live && (!values || model.layer === "cost")) drawShare(pen, box, paint, live.share, values ? paint.text : paint.inks[3]);
        if (one >= 0 && model.stale.has(one)) drawStale(pen, box, paint, code);
        if (box.w >= 18 && box.h >= 14) round(pen, box, paint);
        if (model.isFiltered && !roll.matching[place]) dim(pen, box, paint);
        if (roll.chosen[place]) drawTick(pen, box, paint, roll.chosen[place] < roll.all[place]);
      }
    }
    drawCursor(pen, state, inset, paint);
    drawBox(pen, state, paint);
  };

  const drawStatus = (pen, box, paint, code, roll, place, isRolled) => {
    if (code === 1) hatch(pen, box, paint);
    if (code === 8) { pen.strokeStyle = paint.line; pen.lineWidth = 1; pen.strokeRect(box.x + 0.5, box.y + 0.5, box.w - 1, box.h - 1); }
    pen.fillStyle = paint.inks[code];
    if (isRolled) {
      const part = roll.done[place] / roll.all[place];
      pen.globalAlpha = 0.85;
      if (part > 0 && part < 1 && box.h >= 6) pen.fillRect(box.x + 1, box.y + box.h - 3, (box.w - 2) * part, 2);
      pen.globalAlpha = 1;
      if (box.w < 32 || box.h < 13) return glyph(pen, box, code);
      pen.font = `${Math.min(11, box.h * 0.62)}px sans-serif`;
      pen.fillText(part === 0 || part === 1 ? B.GLYPHS[code] : `${B.share(part, 1)} %`, box.x + box.w / 2, box.y + box.h / 2);
      return undefined;
    }
    return glyph(pen, box, code);
  };

  const glyph = (pen, box, code) => {
    const px = Math.min(box.h * 0.5, box.w * 0.6, 13 * B.rem());
    if (px < 5.5) return;
    pen.font = `${px}px ${FONT}`;
    pen.fillText(B.GLYPHS[code], box.x + box.w / 2, box.y + box.h / 2 + 0.5);
  };

  // How far the take is that is being made: a thin bar at the foot of the cell.
  const drawShare = (pen, box, paint, share, ink) => {
    if (box.w < 10 || box.h < 10) return;
    const high = Math.max(2, Math.min(4, Math.round(box.h / 12))), wide = box.w - 6, y = box.y + box.h - high - 3;
    pen.fillStyle = ink;
    pen.globalAlpha = 0.25;
    pen.fillRect(box.x + 3, y, wide, high);
    pen.globalAlpha = 0.9;
    pen.fillRect(box.x + 3, y, Math.max(1, wide * Math.min(1, share)), high);
    pen.globalAlpha = 1;
  };

  const drawNumber = (pen, box, paint, layer, value, state) => {
    if (value === undefined || Number.isNaN(value)) {
      pen.strokeStyle = paint.line;
      pen.globalAlpha = 0.5;
      pen.lineWidth = 1;
      pen.strokeRect(box.x + 0.5, box.y + 0.5, box.w - 1, box.h - 1);
      pen.globalAlpha = 1;
      return;
    }
    if (box.w < 22 || box.h < 13) return;
    const isHigh = layer === "qa" ? value > 0.5 : value > state.layerMost / 2;
    pen.fillStyle = layer === "qa" && value < 0 ? paint.inks[7] : isHigh ? paint.ground : paint.text;
    if (document.documentElement.dataset.theme === "light" && isHigh) pen.fillStyle = "#fff";
    pen.font = `${Math.min(11 * B.rem(), box.h * 0.5)}px sans-serif`;
    pen.fillText(B.asText(layer, value), box.x + box.w / 2, box.y + box.h / 2);
  };

  // Plotly draws bricks; the ground over their corners makes them the cells of every other page.
  const round = (pen, box, paint) => {
    pen.beginPath();
    pen.rect(box.x - 0.5, box.y - 0.5, box.w + 1, box.h + 1);
    pen.roundRect(box.x, box.y, box.w, box.h, 3);
    pen.fillStyle = paint.ground;
    pen.fill("evenodd");
  };

  const hatch = (pen, box, paint) => {
    if (box.w < 8) return;
    pen.save();
    pen.beginPath();
    pen.rect(box.x, box.y, box.w, box.h);
    pen.clip();
    pen.strokeStyle = paint.ground;
    pen.globalAlpha = 0.28;
    pen.lineWidth = 4;
    pen.beginPath();
    for (let x = box.x - box.h; x < box.x + box.w + box.h; x += 11) { pen.moveTo(x, box.y + box.h); pen.lineTo(x + box.h, box.y); }
    pen.stroke();
    pen.restore();
  };

  const drawStale = (pen, box, paint, code) => {
    if (box.w < 8) return;
    pen.save();
    pen.strokeStyle = paint.inks[code];
    pen.lineWidth = 1;
    pen.setLineDash([3, 2]);
    pen.strokeRect(box.x + 2.5, box.y + 2.5, box.w - 5, box.h - 5);
    pen.restore();
  };

  const dim = (pen, box, paint) => {
    pen.fillStyle = paint.ground;
    pen.globalAlpha = 0.78;
    pen.fillRect(box.x - 0.5, box.y - 0.5, box.w + 1, box.h + 1);
    pen.globalAlpha = 1;
  };

  // Chosen: a tick in the corner, with what is chosen only in part as a half one.
  const drawTick = (pen, box, paint, isPart) => {
    const side = Math.min(13 * B.rem(), box.w * 0.55, box.h * 0.55), x = box.x + box.w - side - 1, y = box.y + 1;
    pen.fillStyle = paint.accent;
    if (side < 6) { pen.fillRect(box.x, box.y, Math.max(2, box.w), Math.max(2, box.h * 0.3)); return; }
    pen.beginPath();
    pen.roundRect(x, y, side, side, 2.5);
    pen.fill();
    pen.strokeStyle = paint.accentInk;
    pen.lineWidth = 1.6;
    pen.beginPath();
    if (isPart) { pen.moveTo(x + side * 0.25, y + side / 2); pen.lineTo(x + side * 0.75, y + side / 2); }
    else { pen.moveTo(x + side * 0.24, y + side * 0.52); pen.lineTo(x + side * 0.43, y + side * 0.72); pen.lineTo(x + side * 0.77, y + side * 0.29); }
    pen.stroke();
  };

  const drawCursor = (pen, state, inset, paint) => {
    const { cursor, hover, size, view } = state;
    for (const [spot, width, alpha] of [[hover, 1.5, 0.55], [cursor, 2, 1]]) {
      if (!spot || spot.line >= state.axes.lines.length || spot.column >= state.axes.columns.length) continue;
      if (spot === cursor && !state.hasFocus) continue;
      pen.strokeStyle = paint.text;
      pen.globalAlpha = alpha;
      pen.lineWidth = width;
      pen.strokeRect(size.lefts[spot.column] - view.scrollLeft + inset, spot.line * size.height - view.scrollTop + inset,
        size.cell - 2 * inset, size.height - 2 * inset);
      pen.globalAlpha = 1;
    }
  };

  const drawBox = (pen, state, paint) => {
    const { drag, view } = state;
    if (!drag || !drag.isBox) return;
    pen.strokeStyle = paint.text;
    pen.fillStyle = paint.text;
    pen.lineWidth = 1;
    const x = Math.min(drag.x, drag.x2) - view.scrollLeft, y = Math.min(drag.y, drag.y2) - view.scrollTop;
    const w = Math.abs(drag.x2 - drag.x), h = Math.abs(drag.y2 - drag.y);
    pen.globalAlpha = 0.08;
    pen.fillRect(x, y, w, h);
    pen.globalAlpha = 0.8;
    pen.strokeRect(x + 0.5, y + 0.5, w, h);
    pen.globalAlpha = 1;
  };

  Object.assign(B, { marks });
})();
