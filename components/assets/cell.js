// The cell page: buttons and keys become one request each, forms open in place, and events bring the panels up to date.
(() => {
  const at = (id) => document.getElementById(id);
  const isHere = () => Boolean(at("cell-page"));
  const set = (id, data) => window.dash_clientside.set_props(id, { data });
  let state = null, opened = null, isAsked = false, timer = null, slow = null, last = 0;

  const refresh = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(() => { if (isHere()) { last = Date.now(); set("cell-refresh", { at: last, playing: window.stripboard.player.playing() }); } }, wait);
  };

  // Many events in a row make one reading; none waits longer than this.
  const soon = () => refresh(Math.max(60, 400 - (Date.now() - last)));

  const choose = (changes) => {
    const now = { take: state.main && state.main.take, other: state.other && state.other.take, mode: state.mode, ...changes };
    set("cell-choice", now);
  };

  const setMode = (mode) => {
    if (mode !== "single" && !state.comparable) return;
    choose({ mode: state.mode === mode ? "single" : mode });
  };

  const press = (selector, button) => {
    for (const one of document.querySelectorAll(selector)) one.setAttribute("aria-pressed", String(one === button && one.getAttribute("aria-pressed") !== "true"));
  };

  // A form remembers the version it was opened on: what others decide meanwhile is then told, not overwritten.
  const open = (name) => {
    for (const form of document.querySelectorAll(".cell-form")) form.hidden = form.id !== name || !form.hidden;
    for (const button of document.querySelectorAll("[data-opens]")) {
      button.setAttribute("aria-expanded", String(!at(button.dataset.opens).hidden));
    }
    const form = at(name);
    if (form && !form.hidden) {
      opened = { version: state.version };
      form.scrollIntoView({ block: "nearest" });
      const first = form.querySelector('[aria-pressed="true"]') || form.querySelector("button");
      if (first) first.focus();
    }
  };

  const close = (name) => {
    const form = at(name);
    if (form) form.hidden = true;
    for (const button of document.querySelectorAll(`[data-opens="${name}"]`)) { button.setAttribute("aria-expanded", "false"); button.focus(); }
  };

  const ask = (verb, more) => {
    const isForm = verb.endsWith("-send");
    const version = isForm && opened ? opened.version : state.version;
    isAsked = true;
    set("cell-verb", { verb, cell: state.cell, version, status: state.status, take: state.take, at: Date.now(), ...more });
  };

  const perform = (button) => {
    const verb = button.dataset.verb;
    if (button.dataset.opens) { open(button.dataset.opens); return; }
    if (verb === "log") {
      set("cell-log", { job: button.dataset.job, name: button.getAttribute("aria-label"), at: Date.now() });
    } else if (verb === "variant" || verb === "retry-still") {
      ask(verb, { part: button.dataset.part, still: button.dataset.still, stillTake: Number(button.dataset.stillTake) });
    } else if (verb === "reject-send") {
      const reason = document.querySelector('.reason[aria-pressed="true"]');
      ask(verb, { reason: reason ? reason.dataset.reason : "" });
    } else if (verb === "retake-send") {
      const origin = document.querySelector('.origin[aria-pressed="true"]');
      ask(verb, { segment: origin ? origin.dataset.segment : "1" });
    } else {
      ask(verb, {});
    }
  };

  document.addEventListener("click", (event) => {
    if (!isHere() || !state) return;
    const button = event.target.closest("button");
    if (!button) return;
    const player = window.stripboard.player;
    const plain = {
      "player-back": () => player.step(-1), "player-on": () => player.step(1), "player-play": player.toggle,
      "player-speed": player.setSpeed, "player-loop": player.setLoop,
    }[button.id];
    if (plain) plain();
    else if (button.dataset.verb) perform(button);
    else if (button.dataset.closes) close(button.dataset.closes);
    else if (button.classList.contains("reason")) press(".reason", button);
    else if (button.classList.contains("origin")) { press(".origin", null); button.setAttribute("aria-pressed", "true"); }
    else if (button.closest("#cell-modes")) setMode(button.dataset.mode);
    else if (button.classList.contains("take")) take(Number(button.dataset.take), event.shiftKey);
  });

  // A click looks at a take; while two are compared, the one that was looked at becomes the other.
  const take = (number, isOther) => {
    const now = state.main && state.main.take;
    if (isOther) choose({ other: number, mode: state.mode === "single" ? "wipe" : state.mode });
    else if (state.mode === "single") choose({ take: number });
    else if (number !== now) choose({ take: number, other: now });
  };

  const go = (name) => { const link = at(name); if (link && link.tagName === "A") link.click(); };
  const hit = (...names) => { const button = names.map(at).find((one) => one && !one.disabled); if (button) button.click(); };
  const keys = {
    " ": () => window.stripboard.player.toggle(),
    ",": () => window.stripboard.player.step(-1),
    ".": () => window.stripboard.player.step(1),
    w: () => setMode("wipe"),
    s: () => setMode("side"),
    l: () => window.stripboard.player.setLoop(),
    a: () => hit("approve"),
    x: () => hit("reject"),
    r: () => hit("submit", "retry", "retake"),
    "[": () => go("cell-before"),
    "]": () => go("cell-after"),
  };

  document.addEventListener("keydown", (event) => {
    if (!isHere() || !state) return;
    if (event.key === "Escape") {
      const form = document.querySelector(".cell-form:not([hidden])");
      if (form) close(form.id);
      return;
    }
    if (!window.stripboard.isForPage(event)) return;
    const active = document.activeElement;
    if (active && active.id === "wipe" && /^Arrow(Left|Right)$/.test(event.key)) {
      window.stripboard.player.wipeBy(event.key === "ArrowLeft" ? -2 : 2);
    } else if (active && active.id === "lane" && /^Arrow(Left|Right)$/.test(event.key)) {
      window.stripboard.player.step(event.key === "ArrowLeft" ? -1 : 1);
    } else if (keys[event.key] && !(event.key === " " && active && active.closest("button, a, [role=slider]") && active.id !== "lane")) {
      keys[event.key]();
    } else {
      return;
    }
    event.preventDefault();
  });

  window.addEventListener("stripboard:events", (event) => {
    if (!isHere() || !state) return;
    const { state: word, events } = event.detail;
    const watched = new Set(state.watched);
    const isOurs = (one) => watched.has(`${one.subject} ${one.subject_id}`)
      || (one.subject === "job" && one.data && one.data.subject === "cell" && one.data.of === state.cell);
    if (word === "reset" || events.some(isOurs)) soon();
  });

  // How far a running attempt is, is no event: it is asked for while something runs.
  const watch = () => {
    clearInterval(slow);
    if (state && state.status === "generating") slow = setInterval(() => { if (isHere() && !document.hidden) soon(); }, 3000);
  };

  window.dash_clientside = Object.assign(window.dash_clientside || {}, {
    cell: {
      // Our own wish was carried out: its form has done its work.
      settled: (told) => {
        const form = told && told.done ? at(told.done) : null;
        if (form) form.hidden = true;
        return null;
      },
      show: (next) => {
        const isOther = !state || !next || state.cell !== next.cell;
        if (isOther) { window.stripboard.player.forget(); opened = null; }
        if (isAsked && opened && next) opened = { version: next.version }; // a form opened while our own wish was carried out
        isAsked = false;
        state = next;
        window.stripboard.player.show(next);
        watch();
        return next ? next.seq : null;
      },
    },
  });
})();
