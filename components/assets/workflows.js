// Buttons of a workflow. Its parts are drawn again, and a press must not be lost with the button that got it: so every press
// goes to a store that stays. `data-flow` is the verb.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-flow]");
  if (!button || button.disabled) return;
  const { flow: verb, shot = "0" } = button.dataset;
  window.dash_clientside.set_props("flow-press", { data: { verb, shot: Number(shot), at: Date.now() } });
});
