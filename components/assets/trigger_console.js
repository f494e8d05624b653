// The test console: one step of a chain at a time, by buttons, by pressing a line, or by the arrow keys.
(() => {
  const $ = (id) => document.getElementById(id);
  let at = 1, reached = 1;

  const parts = (selector) => [...document.querySelectorAll(`.triggers-console ${selector}[data-step]`)];
  const count = () => Number(($("tc-steps") || { dataset: {} }).dataset.count || 0);

  // Shows the step `at` beside the chain, and as much of the chain as was gone through.
  const show = (wanted, isWhole) => {
    const last = count();
    if (!last) return;
    at = Math.min(last, Math.max(1, wanted));
    reached = isWhole ? last : Math.max(reached, at);
    for (const line of parts(".tc-step")) {
      const number = Number(line.dataset.step);
      line.hidden = number > reached;
      line.firstElementChild.setAttribute("aria-current", number === at ? "step" : "false");
      if (number === at) line.scrollIntoView({ block: "nearest" });
    }
    for (const one of parts(".tc-one")) one.hidden = Number(one.dataset.step) !== at;
    $("tc-place").textContent = `${at} of ${last}`;
    $("tc-previous").disabled = at === 1;
    $("tc-next").disabled = at === last;
    $("tc-all").disabled = reached === last;
  };
  const begin = () => { at = 1; reached = 1; show(1, false); };

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".triggers-console #tc-previous, .triggers-console #tc-next, .triggers-console #tc-all");
    if (button) return show({ "tc-previous": at - 1, "tc-next": at + 1, "tc-all": at }[button.id], button.id === "tc-all");
    const line = event.target.closest(".triggers-console .tc-step");
    if (line) show(Number(line.dataset.step), false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || !document.querySelector(".triggers-console #tc-steps") || !window.stripboard.isForPage(event)) return;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 1, End: count() }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(to, event.key === "End");
  });

  // Another chain is there: it is gone through from its first step, once both of its parts are drawn.
  window.addEventListener("stripboard:drawn", (event) => {
    if (event.detail === "console-steps" || event.detail === "console-side") begin();
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.console = {
    // Whether an event is made up or taken from the log.
    choose: (clicks) => {
      const pressed = window.dash_clientside.callback_context.triggered_id;
      const isStored = !!pressed && pressed.index === "stored";
      if (!clicks.some(Boolean)) return [window.dash_clientside.no_update, window.dash_clientside.no_update, clicks.map(() => window.dash_clientside.no_update)];
      return [isStored, !isStored, [String(!isStored), String(isStored)]];
    },
  };
})();
