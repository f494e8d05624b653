// The board's model: the columns as they came, what follows from them, and which cells are chosen. It draws nothing.
(() => {
  const B = (window.stripboardBoard = window.stripboardBoard || {});
  const NAMES = ["not_started", "blocked", "queued", "generating", "review", "approved", "rejected", "failed", "cancelled"];
  const GLYPHS = ["·", "⊘", "…", "▸", "◉", "✓", "↺", "✕", "–"];
  const CODE = Object.fromEntries(NAMES.map((name, code) => [name, code]));
  const LETTERS = { n: 0, q: 2, g: 3, r: 4, a: 5, j: 6, f: 7, c: 8 };
  // Which of several statuses gives a rolled-up cell its colour: the one that needs attention most.
  const URGENCY = [2, 5, 3, 4, 7, 1, 8, 9, 0];
  const MOST_VISIBLE = 5000;
  const BANDS = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000];

  class Model {
    constructor(doc) {
      const cells = doc.cells, n = this.n = cells.row.length;
      Object.assign(this, { run: doc.run, seq: doc.seq, groups: doc.groups, types: doc.types, needSets: doc.need_sets });
      this.rows = doc.rows.map(([name, kind, picture]) => ({ name, kind, picture }));
      this.columns = doc.columns.map(([group, name]) => ({ group, name }));
      this.columnsOf = this.groups.map(() => []);
      this.columns.forEach((column, at) => this.columnsOf[column.group].push(at));
      this.row = Int32Array.from(cells.row);
      this.column = Int32Array.from(cells.column);
      this.type = Uint16Array.from(cells.type);
      this.need = Int32Array.from(cells.needs);
      this.take = Int32Array.from(cells.take);
      this.version = Int32Array.from(cells.version);
      this.since = Float64Array.from(cells.since);
      this.status = new Uint8Array(n);
      for (let i = 0; i < n; i++) this.status[i] = LETTERS[cells.status[i]];
      this.keys = cells.keys;
      this.stale = new Map(Object.entries(cells.stale).map(([i, text]) => [+i, text]));
      this.reason = new Map(Object.entries(cells.reason).map(([i, text]) => [+i, text]));
      let first = 0;
      this.idRuns = cells.ids.map(([id, count]) => { const run = { id, count, first }; first += count; return run; });
      this.stills = doc.stills.map(([id, kind, key, letter, since, above]) =>
        ({ id, kind, key, status: LETTERS[letter], since, above }));
      this.stillAt = new Map(this.stills.map((still, at) => [still.id, at]));
      this.grid = new Int32Array(this.rows.length * this.columns.length).fill(-1);
      for (let i = 0; i < n; i++) this.grid[this.row[i] * this.columns.length + this.column[i]] = i;
      this.shown = new Uint8Array(n);
      this.matches = new Uint8Array(n).fill(1);
      this.chosen = new Uint8Array(n);
      this.chosenCount = 0;
      this.waits = new Uint8Array(this.needSets.length);
      this.filter = { statuses: new Set(), text: "" };
      this.zoom = { kind: "project" };
      this.layer = "status";
      this.values = null;
      this.derive();
    }

    // Names ----------------------------------------------------------------------------------------------------
    key(i) {
      const odd = this.keys[i];
      if (odd !== undefined) return odd;
      const column = this.columns[this.column[i]], start = `${this.rows[this.row[i]].name} / ${this.groups[column.group]}`;
      return column.name ? `${start} / ${column.name}` : start;
    }

    id(i) {
      const run = this.idRuns.find((one) => i < one.first + one.count);
      return run.id + i - run.first;
    }

    indexOf(id) {
      let low = 0, high = this.idRuns.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (this.idRuns[middle].id <= id) low = middle; else high = middle - 1;
      }
      const run = this.idRuns[low];
      return run && id >= run.id && id < run.id + run.count ? run.first + id - run.id : -1;
    }

    find(key) {
      for (let i = 0; i < this.n; i++) if (this.key(i) === key) return i;
      return -1;
    }

    at(row, column) { return this.grid[row * this.columns.length + column]; }

    // What a queued cell waits for, as words.
    waitsFor(i) {
      const name = { source: "source images of ", variant: "variant image ", plate: "plate " };
      return this.needSets[this.need[i]].filter((need) => !this.isMet(need)).map((need) => {
        if (need < 0) return { what: `scene ${this.key(-1 - need)}`, status: this.shown[-1 - need] };
        const still = this.stills[need];
        return { what: name[still.kind] + still.key, status: still.status };
      });
    }

    isMet(need) { return (need < 0 ? this.status[-1 - need] : this.stills[need].status) === CODE.approved; }

    // Whether it needs a person to be tried again: a picture, or one that it is made from, failed or was rejected.
    isStuck(need) {
      if (need < 0) return false;
      const still = this.stills[need], isBad = (one) => one.status === CODE.failed || one.status === CODE.rejected;
      return isBad(still) || still.above.some((at) => isBad(this.stills[at]));
    }

    // The cells that are made from this picture, also by way of another; none when the run has no such picture.
    thatNeed(id) {
      const still = this.stillAt.get(id), isFrom = (need) => need === still || (need >= 0 && this.stills[need].above.includes(still));
      const sets = this.needSets.map((needs) => still !== undefined && needs.some(isFrom));
      return this.where((i) => sets[this.need[i]]);
    }

    // The picture in review that all these cells wait for, if there is one.
    sharedDecision(cells) {
      const [first] = cells;
      if (first === undefined || cells.some((i) => this.shown[i] !== CODE.blocked)) return -1;
      const found = this.needSets[this.need[first]].find((need) => need >= 0 && this.stills[need].status === CODE.review);
      return found !== undefined && cells.every((i) => this.needSets[this.need[i]].includes(found)) ? found : -1;
    }

    // What follows ---------------------------------------------------------------------------------------------
    derive() {
      for (let s = 0; s < this.needSets.length; s++) this.waits[s] = this.needSets[s].every((need) => this.isMet(need)) ? 0 : 1;
      const counts = this.counts = new Int32Array(9), { status, shown, need, waits, row, column, columns } = this;
      const rowDone = this.rowDone = new Int32Array(this.rows.length), rowAll = this.rowAll = new Int32Array(this.rows.length);
      const doneOf = this.groupDone = new Int32Array(this.groups.length), allOf = this.groupAll = new Int32Array(this.groups.length);
      for (let i = 0; i < this.n; i++) {
        const code = shown[i] = status[i] === 2 && waits[need[i]] ? 1 : status[i];
        counts[code]++;
        if (code === 8) continue;
        const group = columns[column[i]].group;
        rowAll[row[i]]++; allOf[group]++;
        if (code === 5) { rowDone[row[i]]++; doneOf[group]++; }
      }
      this.match();
    }

    match() {
      const { statuses, text } = this.filter, terms = text.toLowerCase().split(/[\s/]+/).filter(Boolean);
      this.isFiltered = statuses.size > 0 || terms.length > 0;
      this.matching = this.n;
      if (!this.isFiltered) { this.matches.fill(1); return; }
      const hits = terms.map((term) => {
        const has = (name) => name.toLowerCase().includes(term);
        return [this.rows.map((one) => has(one.name)), this.groups.map(has), this.columns.map((one) => has(one.name)), has];
      });
      this.matching = 0;
      for (let i = 0; i < this.n; i++) {
        const column = this.column[i], group = this.columns[column].group;
        const isHit = (!statuses.size || statuses.has(this.shown[i])) && hits.every(([rows, groups, columns, has]) =>
          rows[this.row[i]] || groups[group] || columns[column] || (this.keys[i] !== undefined && has(this.keys[i])));
        this.matches[i] = isHit ? 1 : 0;
        this.matching += isHit ? 1 : 0;
      }
    }

    // Events ---------------------------------------------------------------------------------------------------
    // Bring the columns up to date; says whether anything changed that is drawn.
    apply(events) {
      let isChanged = false;
      const moved = new Set();
      for (const event of events) {
        if (event.seq <= this.seq) continue;
        this.seq = event.seq;
        const [what, name] = event.type.split(".");
        if (event.subject === "cell" && this.cellEvent(what, name, event, moved)) isChanged = true;
        else if (what === "still" && CODE[name] !== undefined) {
          const still = this.stills[this.stillAt.get(event.subject_id)];
          if (still) { still.status = CODE[name]; still.since = Date.parse(event.at) / 1000; isChanged = true; }
        } else if (what === "run" && ["draft", "running", "paused", "completed", "cancelled"].includes(name)) {
          this.run.status = name;
          isChanged = true;
        }
      }
      return isChanged;
    }

    cellEvent(what, name, event, moved) {
      const i = this.indexOf(event.subject_id);
      if (i < 0) return false;
      if (what === "cell" && CODE[name] !== undefined) {
        this.status[i] = CODE[name];
        this.since[i] = Date.parse(event.at) / 1000;
        this.version[i]++;
        if (event.data.take !== undefined) this.take[i] = event.data.take;
        if (event.data.reason) this.reason.set(i, event.data.reason); else this.reason.delete(i);
        moved.add(i);
        return true;
      }
      if (what === "cell" && (name === "stale" || name === "fresh")) {
        if (name === "stale") this.stale.set(i, event.data.reason || ""); else this.stale.delete(i);
        this.version[i]++;
        return true;
      }
      if (what === "take" && name === "rolled_back" && !moved.has(i)) this.version[i]++;
      return false;
    }

    // What is visible ------------------------------------------------------------------------------------------
    // Lines and columns of the present zoom: each line covers rows from–to, each column one column, or a whole group.
    axes() {
      const zoom = this.zoom, all = this.rows.length;
      const [from, to] = zoom.kind === "rows" ? [zoom.from, zoom.to] : zoom.kind === "character" ? [zoom.row, zoom.row] : [0, all - 1];
      const groups = zoom.kind === "type" ? [zoom.group] : this.groups.map((_, at) => at);
      const count = to - from + 1, wide = groups.reduce((sum, group) => sum + this.columnsOf[group].length, 0);
      const isRolled = count * wide > MOST_VISIBLE;
      const size = isRolled ? BANDS.find((band) => Math.ceil(count / band) * groups.length <= MOST_VISIBLE) || count : 1;
      const lines = [];
      for (let row = from; row <= to; row += size) lines.push({ from: row, to: Math.min(to, row + size - 1) });
      const columns = isRolled
        ? groups.map((group) => ({ group, columns: this.columnsOf[group] }))
        : groups.flatMap((group) => this.columnsOf[group].map((column) => ({ group, columns: [column] })));
      return { lines, columns, isRolled, band: size, from, to };
    }

    // For each visible place its most urgent status (255: nothing there), cells, approved, chosen and matching ones.
    rollUp(axes) {
      const wide = axes.columns.length, places = axes.lines.length * wide;
      const roll = { wide, code: new Uint8Array(places).fill(255), all: new Int32Array(places), done: new Int32Array(places),
        chosen: new Int32Array(places), matching: new Int32Array(places) };
      const slot = new Int32Array(this.columns.length).fill(-1);
      axes.columns.forEach((one, at) => one.columns.forEach((column) => { slot[column] = at; }));
      for (let i = 0; i < this.n; i++) {
        const row = this.row[i], at = slot[this.column[i]];
        if (at < 0 || row < axes.from || row > axes.to) continue;
        const place = Math.floor((row - axes.from) / axes.band) * wide + at, code = this.shown[i];
        if (roll.code[place] === 255 || URGENCY[code] > URGENCY[roll.code[place]]) roll.code[place] = code;
        roll.all[place]++;
        if (code === 5) roll.done[place]++;
        roll.chosen[place] += this.chosen[i];
        roll.matching[place] += this.matches[i];
      }
      return roll;
    }

    // Cells under a rectangle of visible places.
    within(axes, top, bottom, left, right) {
      const found = [];
      for (let line = top; line <= bottom; line++) {
        for (let row = axes.lines[line].from; row <= axes.lines[line].to; row++) {
          for (let at = left; at <= right; at++) {
            for (const column of axes.columns[at].columns) { const i = this.at(row, column); if (i >= 0) found.push(i); }
          }
        }
      }
      return found;
    }

    // The chosen cells -----------------------------------------------------------------------------------------
    // `how`: "only" these, "add" them, or "toggle" (all chosen: none of them; else all of them).
    choose(cells, how = "only") {
      if (how === "only") this.chosen.fill(0);
      const value = how === "toggle" && cells.length && cells.every((i) => this.chosen[i]) ? 0 : 1;
      for (const i of cells) this.chosen[i] = value;
      let count = 0;
      for (let i = 0; i < this.n; i++) count += this.chosen[i];
      this.chosenCount = count;
    }

    selected() {
      const found = [];
      if (this.chosenCount) for (let i = 0; i < this.n; i++) if (this.chosen[i]) found.push(i);
      return found;
    }

    where(test) {
      const found = [];
      for (let i = 0; i < this.n; i++) if (test(i)) found.push(i);
      return found;
    }

    // Take over what people have set up here from a model that was read before.
    adopt(old) {
      Object.assign(this, { filter: old.filter, zoom: old.zoom, layer: old.layer });
      if (old.n === this.n) this.choose(old.selected());
      this.match();
    }
  }

  Object.assign(B, { Model, NAMES, GLYPHS, CODE, WORDS: NAMES.map((name) => name.replace("_", " ")) });
})();
