// Numbers and times of the board as people read them, elements without markup, and the address that holds a view.
(() => {
  const B = (window.stripboardBoard = window.stripboardBoard || {});

  const duration = (seconds) => {
    const s = Math.max(0, Math.round(seconds));
    if (s < 60) return `${s} s`;
    if (s < 600) return s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${s / 60} min`;
    if (s < 3570) return `${Math.round(s / 60)} min`;
    const minutes = Math.round(s / 60), hours = Math.floor(minutes / 60);
    if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
    return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${hours / 24} d`;
  };
  const size = (bytes) => {
    const units = ["bytes", "kB", "MB", "GB", "TB"];
    let at = 0, value = bytes;
    while (value >= 999.5 && at < 4) { value /= 1000; at++; }
    return `${at < 2 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
  };
  const counted = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
  const share = (part, all) => (!all || !part ? 0 : part >= all ? 100 : Math.min(99, Math.max(1, Math.round((100 * part) / all))));
  // Cut in the middle, so that both ends of a long name can be told apart.
  const cut = (name, most) => {
    const letters = [...name];
    if (letters.length <= most) return name;
    const tail = Math.max(1, Math.floor((most - 1) / 2)), head = Math.max(1, most - 1 - tail);
    return `${letters.slice(0, head).join("")}…${letters.slice(letters.length - tail).join("")}`;
  };

  // The name as it fits into so many pixels at this size and weight; in very little room its first letters, without a sign.
  const pen = document.createElement("canvas").getContext("2d");
  const fitting = (wide, rem, weight) => {
    pen.font = `${weight} ${rem * parseFloat(getComputedStyle(document.documentElement).fontSize)}px ${getComputedStyle(document.body).fontFamily}`;
    return (text) => pen.measureText(text).width <= wide;
  };
  const fit = (name, wide, rem, weight = 400) => {
    const fits = fitting(wide, rem, weight);
    if (fits(name)) return name;
    let most = [...name].length - 1;
    while (most > 5 && !fits(cut(name, most))) most--;
    if (most > 5) return cut(name, most);
    while (most > 1 && !fits([...name].slice(0, most).join(""))) most--;
    return [...name].slice(0, most).join("");
  };

  // Each name as it fits; those that would read alike without what they have in common at both ends.
  const fitApart = (names, wide, rem) => {
    const shown = new Map(names.map((name) => [name, fit(name, wide, rem)]));
    for (const text of new Set(shown.values())) {
      const alike = names.filter((name) => shown.get(name) === text).map((name) => [...name]);
      if (alike.length < 2) continue;
      const least = Math.min(...alike.map((name) => name.length)), same = (at) => alike.every((name) => at(name) === at(alike[0]));
      let head = 0, tail = 0;
      while (head < least && same((name) => name[head])) head++;
      while (head + tail < least && same((name) => name[name.length - 1 - tail])) tail++;
      for (const name of alike) shown.set(name.join(""), fit(`…${name.slice(head, name.length - tail).join("").trim()}`, wide, rem));
    }
    return shown;
  };

  // The name in one line, or else broken into two, as even as they fit; where none do, the second one is cut.
  const lines = (name, wide, rem, weight) => {
    const fits = fitting(wide, rem, weight);
    if (fits(name)) return [name];
    const broken = [...name.matchAll(/[ _-]/g)].map(({ index }) => [name.slice(0, index + 1).trim(), name.slice(index + 1)]).filter(([first]) => fits(first));
    const whole = broken.filter(([, second]) => fits(second)), uneven = ([first, second]) => Math.abs(first.length - second.length);
    if (whole.length) return whole.reduce((best, two) => (uneven(two) < uneven(best) ? two : best));
    const two = broken.pop();
    return two ? [two[0], fit(two[1], wide, rem, weight)] : [fit(name, wide, rem, weight)];
  };

  const make = (tag, className, text, more = {}) => {
    const found = document.createElement(tag);
    if (className) found.className = className;
    if (text !== undefined && text !== null) found.textContent = text;
    for (const [name, value] of Object.entries(more)) {
      if (name === "style") Object.assign(found.style, value);
      else if (name.startsWith("on")) found.addEventListener(name.slice(2), value);
      else found.setAttribute(name, value);
    }
    return found;
  };
  const badge = (code) => make("span", `badge-status st-${B.NAMES[code]}`, B.GLYPHS[code], { title: B.WORDS[code] });

  // Numbers as ranges in base 36: 3-20.45 is short even for whole rows of cells.
  const pack = (numbers) => {
    const parts = [];
    for (let at = 0; at < numbers.length; ) {
      let end = at;
      while (end + 1 < numbers.length && numbers[end + 1] === numbers[end] + 1) end++;
      parts.push(end > at ? `${numbers[at].toString(36)}-${numbers[end].toString(36)}` : numbers[at].toString(36));
      at = end + 1;
    }
    return parts.join(".");
  };
  const unpack = (text, most) => {
    const found = [];
    for (const part of text.split(".")) {
      const [first, last = first] = part.split("-").map((one) => parseInt(one, 36));
      if (!(first >= 0) || !(last >= first) || last >= most) continue;
      for (let number = first; number <= last; number++) found.push(number);
    }
    return found;
  };

  const MOST_SELECTION = 1500;
  const query = (model, isGrid) => {
    const params = new URLSearchParams(), zoom = model.zoom;
    if (zoom.kind === "character") params.set("character", model.rows[zoom.row].name);
    if (zoom.kind === "type") params.set("scene_type", model.groups[zoom.group]);
    if (zoom.kind === "rows") params.set("rows", `${zoom.from}-${zoom.to}`);
    if (model.layer !== "status") params.set("layer", model.layer);
    if (model.filter.statuses.size) params.set("status", [...model.filter.statuses].map((code) => B.NAMES[code]).join(","));
    if (model.filter.text) params.set("find", model.filter.text);
    if (isGrid) params.set("view", "grid");
    const chosen = pack(model.selected());
    if (chosen && chosen.length <= MOST_SELECTION) params.set("sel", chosen);
    return params.toString();
  };
  const LAYERS = ["status", "qa", "wait", "duration", "cost", "attempts"];
  const restore = (model, text) => {
    const params = new URLSearchParams(text), rows = /^(\d+)-(\d+)$/.exec(params.get("rows") || "");
    const row = model.rows.findIndex((one) => one.name === params.get("character"));
    const group = model.groups.indexOf(params.get("scene_type"));
    model.zoom = { kind: "project" };
    if (row >= 0) model.zoom = { kind: "character", row };
    else if (group >= 0) model.zoom = { kind: "type", group };
    else if (rows && +rows[1] <= +rows[2] && +rows[2] < model.rows.length) model.zoom = { kind: "rows", from: +rows[1], to: +rows[2] };
    model.layer = LAYERS.includes(params.get("layer")) ? params.get("layer") : "status";
    const codes = (params.get("status") || "").split(",").map((name) => B.CODE[name]).filter((code) => code !== undefined);
    model.filter = { statuses: new Set(codes), text: (params.get("find") || "").slice(0, 200) };
    const needed = /^\d{1,15}$/.test(params.get("needs") || "");
    model.choose(needed ? model.thatNeed(+params.get("needs")) : unpack(params.get("sel") || "", model.n));
    model.match();
    return params.get("view") === "grid";
  };

  Object.assign(B, { duration, size, counted, share, cut, fit, fitApart, lines, make, badge, query, restore, LAYERS });
})();
