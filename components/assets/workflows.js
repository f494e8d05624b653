// Buttons of a workflow. Its parts are drawn again, and a press must not be lost with the button that got it: so every press
// goes to a store that stays. `data-flow` is the verb.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-flow]");
  if (!button || button.disabled) return;
  const { flow: verb, shot = "0" } = button.dataset;
  window.dash_clientside.set_props("flow-press", { data: { verb, shot: Number(shot), at: Date.now() } });
});

// The fields for files are made by a library that gives them no name; they are reached by Tab, and read out by what stands there.
new MutationObserver(() => {
  if (!location.pathname.startsWith("/workflows")) return;
  document.querySelectorAll(".wf-drop input[type=file]:not([aria-label])").forEach((input) =>
    input.setAttribute("aria-label", input.closest(".wf-drop").textContent));
}).observe(document.documentElement, { childList: true, subtree: true });
