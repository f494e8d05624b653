// The player of the cell page: one take or two in step, frame by frame, with a wipe; and the time line under it.
(() => {
  const SPEEDS = [1, 2, 0.25, 0.5];
  const at = (id) => document.getElementById(id);
  let state = null, wipe = 50, speed = 1, isLooping = true, drawn = "";

  const main = () => at("video-b");
  const other = () => at("video-a");
  const isComparing = () => Boolean(state && state.mode !== "single" && state.other && state.other.src);
  const length = () => (state ? state.frames / state.fps : 0);
  // A little is added because times are stored as binary fractions: a frame begins exactly at frame / fps.
  const frameOf = (video) => Math.max(0, Math.min(state.frames - 1, Math.floor(video.currentTime * state.fps + 1e-4)));

  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // A source is set only when it is another one: a panel that is drawn anew must not stop what plays.
  const load = (video, clip, keep) => {
    const src = (clip && clip.src) || "";
    if ((video.getAttribute("src") || "") === src) return;
    const time = video.currentTime || 0, wasPlaying = !video.paused;
    if (!src) { video.removeAttribute("src"); video.load(); return; }
    video.poster = clip.poster || "";
    video.src = src;
    video.muted = true;
    if (keep) {
      video.addEventListener("loadedmetadata", () => {
        video.currentTime = Math.min(time, length());
        video.playbackRate = speed;
        if (wasPlaying) video.play().catch(() => {});
      }, { once: true });
    }
  };

  const label = (side, letter, clip) => {
    const box = at(`label-${side}`);
    box.replaceChildren();
    box.hidden = !clip || !isComparing();
    if (box.hidden) return;
    const badge = make("span", `badge-status st-${clip.shown}`, clip.glyph);
    badge.title = clip.word;
    box.append(make("b", "", letter), make("span", "", `take ${clip.take}`), badge);
  };

  const place = (element, frame) => { element.style.left = `${(frame / state.frames) * 100}%`; };

  const jumps = (clip, name) => {
    if (!clip) return [];
    return clip.boundaries.filter((one) => one.value !== null).map((one) => {
      const share = Math.min(1, one.value / (one.limit * 1.5 || 1));
      const bar = make("i", `jump ${name}${one.isOutside ? " outside" : ""}`);
      place(bar, one.at);
      bar.style.height = `${Math.max(6, share * 100)}%`;
      bar.title = `boundary ${one.name}, take ${clip.take}: jump ${one.value.toFixed(2)}, limit ${one.limit}`;
      return bar;
    });
  };

  const drawLane = () => {
    const segments = at("lane-segments"), marks = at("lane-jumps"), clip = state.main;
    const key = JSON.stringify([state.main, isComparing() ? state.other : null, state.frames]);
    if (key === drawn) return;
    drawn = key;
    segments.replaceChildren(); marks.replaceChildren();
    if (!clip) return;
    for (const one of clip.segments) {
      const part = make("i", `lane-segment made-${one.shown}`, clip.segments.length > 6 ? "" : `segment ${one.number}`);
      part.style.flexGrow = one.frames;
      part.title = `segment ${one.number}: frames ${one.first} to ${one.first + one.frames - 1}, ${one.shown.replace("approved", "made").replace("_", " ")}`;
      segments.append(part);
    }
    if (clip.boundaries.length) {
      const limit = make("i", "lane-limit");
      limit.title = `limit of the jump: ${clip.boundaries[0].limit}`;
      marks.append(limit);
    }
    marks.append(...jumps(isComparing() ? state.other : null, "theirs"), ...jumps(clip, "ours"));
    for (const one of clip.segments.slice(1)) {
      const found = clip.boundaries.find((boundary) => boundary.at === one.first);
      const diamond = make("i", `diamond${found && found.isOutside ? " outside" : ""}`);
      place(diamond, one.first);
      diamond.title = found && found.value !== null
        ? `boundary ${found.name}: jump ${found.value.toFixed(2)}, limit ${found.limit}` : `boundary ${one.number - 1}▸${one.number}`;
      segments.append(diamond);
    }
  };

  const tell = () => {
    const video = main();
    if (!state || !video || !at("lane")) return;
    const frame = frameOf(video), has = Boolean(state.main && state.main.src);
    place(at("lane-head"), has ? Math.min(state.frames, video.currentTime * state.fps) : 0);
    at("lane-head").hidden = !has;
    at("player-time").textContent = (has ? video.currentTime : 0).toFixed(2);
    at("player-length").textContent = ` of ${length().toFixed(2)} s`;
    at("player-number").textContent = `frame ${has ? frame : 0}`;
    const lane = at("lane");
    lane.setAttribute("aria-valuemax", state.frames - 1);
    lane.setAttribute("aria-valuenow", has ? frame : 0);
    lane.setAttribute("aria-valuetext", `frame ${has ? frame : 0} of ${state.frames}`);
    const play = at("player-play");
    const sign = video.paused ? "▶" : "❚❚";
    if (play.textContent !== sign) {
      play.textContent = sign;
      play.setAttribute("aria-label", video.paused ? "Play" : "Stop");
    }
  };

  // Two takes stay in step: the one behind follows as soon as it is more than half a frame away.
  const follow = () => {
    if (!isComparing()) return;
    const lead = main(), second = other();
    const target = Math.min(lead.currentTime, (second.duration || length()) - 0.5 / state.fps);
    if (lead.paused !== second.paused) { if (lead.paused) second.pause(); else second.play().catch(() => {}); }
    if (!second.seeking && Math.abs(second.currentTime - target) > (lead.paused ? 0.2 : 0.75) / state.fps) second.currentTime = target;
  };

  let loop = 0;
  const turn = () => {
    cancelAnimationFrame(loop);
    if (!main()) return;
    follow(); tell();
    if (!main().paused) loop = requestAnimationFrame(turn);
  };

  const seek = (frame) => {
    if (!state || !state.main || !state.main.src) return;
    const wanted = Math.max(0, Math.min(state.frames - 1, frame));
    main().currentTime = (wanted + 0.5) / state.fps;
    if (isComparing()) other().currentTime = (wanted + 0.5) / state.fps;
    tell();
  };

  const step = (count) => { if (!main()) return; main().pause(); seek(frameOf(main()) + count); };

  const toggle = () => {
    const video = main();
    if (!video || !state.main || !state.main.src) return;
    if (!video.paused) { video.pause(); return; }
    if (frameOf(video) >= state.frames - 1) seek(0);
    video.playbackRate = speed;
    video.play().catch(() => {});
  };

  const setWipe = (percent) => {
    wipe = Math.max(0, Math.min(100, percent));
    const frame = at("player-frame");
    if (!frame) return;
    frame.style.setProperty("--wipe", `${wipe}%`);
    at("wipe").setAttribute("aria-valuenow", Math.round(wipe));
  };

  const setSpeed = () => {
    speed = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length];
    at("player-speed").textContent = `${speed}×`;
    for (const video of [main(), other()]) video.playbackRate = speed;
  };

  const setLoop = () => {
    isLooping = !isLooping;
    at("player-loop").setAttribute("aria-pressed", String(isLooping));
    for (const video of [main(), other()]) video.loop = isLooping;
  };

  const wire = (video) => {
    if (video.dataset.wired) return;
    video.dataset.wired = "yes";
    video.loop = isLooping;
    video.playbackRate = speed;
    for (const name of ["play", "pause", "seeked", "loadeddata", "timeupdate"]) video.addEventListener(name, turn);
    video.addEventListener("loadeddata", () => video.removeAttribute("poster"));
    // It stops on the middle of a frame, so that both takes show the same one.
    if (video === main()) video.addEventListener("pause", () => { if (!video.seeking && !video.ended) seek(frameOf(video)); });
  };

  const show = (next) => {
    state = next;
    const frame = at("player-frame");
    if (!frame || !state) return;
    wire(main()); wire(other());
    at("player").dataset.mode = isComparing() ? state.mode : "single";
    frame.style.setProperty("--ratio", state.width / state.height);
    load(main(), state.main, true);
    load(other(), isComparing() ? state.other : null, false);
    setWipe(wipe);
    label("a", "A", state.other);
    label("b", "B", state.main);
    at("player").hidden = !(state.main && state.main.src);
    at("player-controls").classList.toggle("idle", !(state.main && state.main.src));
    for (const button of document.querySelectorAll("#cell-modes button")) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === (isComparing() ? state.mode : "single")));
      button.disabled = button.dataset.mode !== "single" && !state.comparable;
      button.title = button.disabled ? "There is only one take to look at" : "";
    }
    drawLane();
    turn();
  };

  // The wipe and the time line are dragged; both follow the pointer until it is let go.
  const drag = (element, move) => {
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      const onto = (moved) => {
        const box = element.getBoundingClientRect();
        move((moved.clientX - box.left) / box.width);
      };
      onto(event);
      element.addEventListener("pointermove", onto);
      element.addEventListener("pointerup", () => element.removeEventListener("pointermove", onto), { once: true });
      element.addEventListener("pointercancel", () => element.removeEventListener("pointermove", onto), { once: true });
    });
  };

  const attach = () => {
    const frame = at("player-frame"), lane = at("lane");
    if (frame && !frame.dataset.wired) {
      frame.dataset.wired = "yes";
      drag(frame, (share) => { if (at("player").dataset.mode === "wipe") setWipe(share * 100); });
      frame.addEventListener("click", () => { if (at("player").dataset.mode !== "wipe") toggle(); });
    }
    if (lane && !lane.dataset.wired) {
      lane.dataset.wired = "yes";
      drag(lane, (share) => { main().pause(); seek(Math.floor(share * state.frames)); });
    }
  };

  window.stripboard = Object.assign(window.stripboard || {}, {
    player: {
      show: (next) => { attach(); show(next); },
      forget: () => { state = null; drawn = ""; },
      // The take that plays just now; a newer one must not take its place.
      playing: () => (state && state.main && main() && !main().paused ? state.main.take : null),
      step, toggle, seek, setSpeed, setLoop, setWipe,
      wipeBy: (percent) => setWipe(wipe + percent),
    },
  });
})();
