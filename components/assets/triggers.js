// The pages of rules: the drawing takes its colours from the theme, a press on a rule in it opens the rule, and keys go places.
(() => {
  const GRAPH = "chain-graph";
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const token = (name) => window.stripboard.colour(`--${name}`);
  const hatch = (colour) =>
    `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" width="17" height="17"><path d="M-4 4 4-4M0 17 17 0M13 21 21 13" stroke="${colour}" stroke-opacity=".28" stroke-width="5"/></svg>`)}`;
  const person = (ink) =>
    `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" width="32" height="32"><circle cx="8" cy="5" r="3.1" fill="${ink}"/><path d="M2 15q0-6 6-6q6 0 6 6z" fill="${ink}"/></svg>`)}`;

  const ENDS = { approved: "✓", failed: "✕", rejected: "↺", review: "◉", queued: "…", generating: "▸", cancelled: "–", sealed: "▣", completed: "✓" };
  const DOES = { submit: "»", qa: "◎", assemble: "⊞", package: "▣", notify: "✉", webhook: "↗", approve: "✓", flag: "⚑", pause: "‖" };
  const glyph = (char, ink) =>
    `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 26 26" width="26" height="26"><text x="13" y="18" text-anchor="middle" font-family="system-ui,sans-serif" font-size="14" fill="${ink}">${char}</text></svg>`)}`;
  const glyphs = (head, chars, ink) =>
    Object.entries(chars).map(([name, char]) => ({ selector: `.${head}-${name}`, style: { "background-image": glyph(char, ink(name)), "background-fit": "contain" } }));

  const stylesheet = () => {
    const text = token("text-1"), soft = token("text-2"), faint = token("text-3"), line = token("line-strong");
    const font = { "font-family": getComputedStyle(document.body).fontFamily, "font-size": 13, color: soft };
    const edge = (selector, colour, style) => ({ selector, style: { "line-color": colour, "target-arrow-color": colour, "line-style": style } });
    return [
      { selector: "node", style: { ...font, "text-wrap": "wrap", "text-max-width": 76, "overlay-opacity": 0 } },
      { selector: ".wall", style: { shape: "rectangle", width: 88, height: "data(height)", "background-color": token("surface-1"), "background-opacity": 0, "background-image": hatch(token("status-review")), "background-repeat": "repeat", "background-fit": "none", "background-width": "17px", "background-height": "17px", "border-width": 1, "border-style": "dashed", "border-color": token("status-review"), "border-opacity": 0.5, events: "no", "z-index": 0 } },
      { selector: ".zone", style: { width: 1, height: 1, "background-opacity": 0, label: "data(label)", color: faint, "text-valign": "center", "text-max-width": 400, events: "no" } },
      { selector: ".event", style: { shape: "ellipse", width: 26, height: 26, "background-color": token("surface-3"), "border-width": 1, "border-color": line, label: "data(label)", "text-valign": "bottom", "text-margin-y": 5, events: "no" } },
      { selector: ".event.approved", style: { "background-color": token("status-approved"), "border-width": 0 } },
      { selector: ".event.failed", style: { "background-color": token("status-failed"), "border-width": 0 } },
      { selector: ".rule", style: { shape: "round-rectangle", width: 124, height: 44, "background-color": token("surface-3"), "border-width": 1, "border-color": line, label: "data(label)", color: text, "text-valign": "center", "text-max-width": 134 } },
      { selector: ".rule.off", style: { "background-color": token("surface-1"), "border-style": "dashed", color: soft } },
      { selector: ".rule.waits", style: { "background-color": token("surface-1"), "border-style": "dashed", "border-color": token("status-review") } },
      { selector: ".rule.bad", style: { "background-color": token("surface-1"), "border-style": "dashed", "border-color": token("status-failed") } },
      { selector: ".rule:selected", style: { "border-width": 2, "border-color": token("focus") } },
      { selector: ".action", style: { shape: "round-rectangle", width: 26, height: 26, "background-color": token("surface-0"), "border-width": 1, "border-color": line, label: "data(label)", "text-valign": "bottom", "text-margin-y": 5, events: "no" } },
      { selector: ".gate", style: { shape: "ellipse", width: 42, height: 42, "background-color": token("status-review"), "background-image": person(token("ink-review")), "background-fit": "none", "background-width": "22px", "background-height": "22px", label: "data(label)", color: text, "text-valign": "bottom", "text-margin-y": 6, "text-background-color": token("surface-1"), "text-background-opacity": 1, "text-background-padding": 4, events: "no" } },
      { selector: ".anchor", style: { width: 1, height: 1, "background-opacity": 0, events: "no" } },
      { selector: "edge", style: { width: 1.6, "curve-style": "taxi", "taxi-direction": "rightward", "taxi-turn": 16, "taxi-turn-min-distance": 6, "target-arrow-shape": "triangle", "arrow-scale": 0.9, "line-color": faint, "target-arrow-color": faint, events: "no" } },
      { selector: "edge.wide", style: { "taxi-turn": "-16px" } },
      { selector: "edge.back", style: { "curve-style": "unbundled-bezier", "control-point-distances": [-58], "control-point-weights": [0.5] } },
      { selector: "edge.back.level", style: { "control-point-distances": [64] } },
      ...glyphs("end", ENDS, (name) => (["approved", "failed"].includes(name) ? token(`ink-${name}`) : soft)),
      ...glyphs("do", DOES, () => soft),
      edge("edge.person", token("status-review"), "solid"),
      edge("edge.idle", faint, "dashed"),
      edge("edge.refused", token("status-failed"), "dashed"),
    ];
  };
  const paint = () => { if (document.getElementById(GRAPH)) set(GRAPH, { stylesheet: stylesheet() }); };
  window.addEventListener("stripboard:theme", paint);

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.triggers = {
    // The colours of the drawing, each time it is made anew.
    colours: () => stylesheet(),
    // The address of the rule that was pressed in the drawing.
    open: (data) => (data && data.rule ? `/triggers/rule/${encodeURIComponent(data.rule)}` : window.dash_clientside.no_update),
    // Whether the drawing or the table is seen.
    choose: (graph, table) => {
      const isTable = (table || 0) > 0 && window.dash_clientside.callback_context.triggered_id === "chain-as-table";
      return [isTable, !isTable, String(!isTable), String(isTable)];
    },
  };

  // A rule is switched, a message is sent again. In the log: why a rule did or did not fire, and what followed from an event; pressed again it is closed.
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".tl-why, .tl-followed, .tm-again, .tr-switch");
    if (!button) return;
    const { event: seq, rule, message } = button.dataset;
    if (button.matches(".tr-switch")) set("trigger-switch", { data: { rule, at: Date.now() } });
    else if (message) set("messages-again", { data: { message, at: Date.now() } });
    else if (rule) set("trigger-log-asked", { data: { event: seq, rule, at: Date.now() } });
    else set("trigger-log-open", { data: button.getAttribute("aria-expanded") === "true" ? 0 : Number(seq) });
  });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || !window.stripboard.isForPage(event)) return;
    const link = /^[a-z]$/.test(event.key) && document.querySelector(`#main .key-${event.key}`);
    if (link) { event.preventDefault(); link.click(); }
  });
})();
