// The frame: theme switch, the marked link of the rail, drawers and dialogs, times that stay fresh, and keys that never fire
// while somebody types.
(() => {
  const root = document.documentElement;
  const $ = (id) => document.getElementById(id);
  const set = (id, props) => window.dash_clientside.set_props(id, props);

  const setTheme = (theme) => {
    root.dataset.theme = theme;
    root.dataset.bsTheme = theme;
    localStorage.setItem("stripboard.theme", theme);
    window.dispatchEvent(new CustomEvent("stripboard:theme", { detail: theme }));
  };
  root.dataset.bsTheme = root.dataset.theme;

  // Dialogs and drawers --------------------------------------------------------------------------------------------
  const show = (id, isOpen = true) => set(id, { is_open: isOpen });
  const openers = { "jobs-pill": "job-tray", bell: "notices", "keys-open": "keys-dialog" };

  const keysOfPage = () => {
    const at = $("keys-here");
    if (!at) return false;
    at.replaceChildren();
    document.querySelectorAll(".page-keys").forEach((keys) => {
      const head = document.createElement("h3");
      head.className = "h2";
      head.textContent = "On this page";
      at.append(head, ...[...keys.children].map((child) => child.cloneNode(true)));
    });
    return true;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button, a, [data-copy]");
    if (!button) return;
    if (button.id === "theme-switch") setTheme(root.dataset.theme === "light" ? "dark" : "light");
    else if (button.id in openers) show(openers[button.id]);
    else if (button.dataset.copy !== undefined) copy(button);
    if (button.matches("a.wait[href^='/runs/']:not([href*='needs=']), a.review-link")) openReview(Date.now() + 4000);
    if (button.tagName === "A" && button.closest(".drawer")) ["job-tray", "notices"].forEach((id) => show(id, false));
  });

  // While the server is away nothing that it would have to do is begun: a press that goes nowhere must not look like one that worked.
  const refusesAway = () => {
    if ($("live-pill")?.dataset.state !== "away") return false;
    const children = "The server does not answer, so nothing was done. This page goes on by itself; try again when it says live.";
    const props = { children, header: "Refused", className: "toast-refused", duration: 12000, dismissable: true, is_open: true };
    set("toasts", { children: { namespace: "dash_bootstrap_components", type: "Toast", props } });
    return true;
  };
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-verb], [data-command], [data-confirm=yes]") || !refusesAway()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  // Copying --------------------------------------------------------------------------------------------------------
  const copy = async (button) => {
    try { await navigator.clipboard.writeText(button.dataset.copy); } catch { return; }
    button.dataset.copied = "yes";
    setTimeout(() => delete button.dataset.copied, 1500);
  };

  // Times that stay fresh ------------------------------------------------------------------------------------------
  const minutes = (count) => (count < 60 ? `${count} min` : `${Math.floor(count / 60)} h${count % 60 ? ` ${count % 60} min` : ""}`);
  setInterval(() => {
    document.querySelectorAll("time.ago").forEach((at) => {
      const passed = Math.floor((Date.now() - Date.parse(at.dateTime)) / 60000);
      if (passed < 720) at.textContent = passed < 1 ? "just now" : `${minutes(passed)} ago`;
    });
  }, 20000);

  // The tick: at most once a second while things happen, and not in a tab that nobody sees ---------------------------
  let ticks = 0, last = 0, timer = null, quiet = null, isMissed = false;
  const tick = () => {
    timer = null;
    if (document.hidden) { isMissed = true; return; }
    last = Date.now();
    isMissed = false;
    set("tick", { data: ++ticks });
    // Once more when it has become quiet: what was counted in the midst of it may have been kept for a moment.
    clearTimeout(quiet);
    quiet = setTimeout(onceMore, 4000);
  };
  const onceMore = () => {
    const pill = $("live-pill");
    if (pill && pill.dataset.state !== "live") { quiet = setTimeout(onceMore, 1000); return; }
    if (timer === null && !document.hidden) set("tick", { data: ++ticks });
  };
  window.addEventListener("stripboard:moved", () => {
    if (timer === null) timer = setTimeout(tick, Math.max(50, last + 1000 - Date.now()));
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && isMissed) tick(); });

  // Keys -----------------------------------------------------------------------------------------------------------
  const isTyping = () => {
    const at = document.activeElement;
    return at && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName));
  };
  const isForPage = (event) =>
    !isTyping() && !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector(".modal.show, .offcanvas.show");

  // What waits for review: its button on this page, else the first line of Pulse, else the board; once there, its button.
  const review = () => {
    const here = document.querySelector("[data-review]"), next = document.querySelector(".wait") || $("rail-board");
    if (here) here.click();
    else if (next) { next.click(); openReview(Date.now() + 4000); }
  };
  const openReview = (until) => {
    const button = document.querySelector("#main [data-review]"), isDrawn = document.querySelector("#main .js-plotly-plot");
    if (button && isDrawn) setTimeout(() => button.click(), 150);
    else if (Date.now() < until) setTimeout(openReview, 100, until);
  };

  const go = (place) => {
    const board = $("rail-board");
    const link = {
      p: $("rail-pulse"), b: board, t: $("rail-triggers"), f: $("rail-fleet"), w: $("rail-workflows"), m: $("rail-budgets"), d: $("rail-deliveries"),
    }[place];
    if (link) link.click();
    else if (place === "r") review();
  };

  let lead = 0;
  document.addEventListener("keydown", (event) => {
    if (!isForPage(event) || event.defaultPrevented) return;
    const key = event.key;
    if (Date.now() - lead < 1200) {
      lead = 0;
      if ("pbtdrfwm".includes(key)) { event.preventDefault(); event.stopImmediatePropagation(); go(key); }
      return;
    }
    if (key === "g") lead = Date.now();
    else if (key === "?") show("keys-dialog");
    else if (key === "j") show("job-tray");
    else if (key === "n") show("notices");
    else return;
    event.preventDefault();
  }, true);

  window.stripboard = Object.assign(window.stripboard || {}, {
    // Whether a key press belongs to the page: not while typing, not in a dialog, not with a modifier, not after `g`.
    isForPage: (event) => isForPage(event) && Date.now() - lead >= 1200,
    // A colour of the theme, by the name of its custom property.
    colour: (name) => getComputedStyle(root).getPropertyValue(name).trim(),
    setTheme,
    refusesAway,
    show,
  });

  window.dash_clientside = Object.assign(window.dash_clientside || {}, {
    frame: {
      mark: (path) => {
        document.querySelectorAll("#rail a").forEach((link) => {
          const at = link.getAttribute("href");
          const isHere = link.id === "rail-board" ? /^\/(runs|cells)\//.test(path) : at === "/" ? path === "/" : path.startsWith(at);
          link.classList.toggle("on", isHere);
          if (isHere) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
        });
        return path;
      },
      fillKeys: (isOpen) => {
        if (isOpen) requestAnimationFrame(function wait() { if (!keysOfPage()) requestAnimationFrame(wait); });
        return isOpen ? "open" : "closed";
      },
      // The clock of the drawers runs while one is open.
      whileOpen: (...areOpen) => !areOpen.some(Boolean),
    },
  });
})();
