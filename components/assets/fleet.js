const SURE_MS = 5000;
// What cannot be taken back is pressed twice.
const askAgain = (button) => {
  const before = button.textContent;
  button.dataset.sure = "yes";
  button.textContent = "Remove it for good?";
  setTimeout(() => { delete button.dataset.sure; button.textContent = before; }, SURE_MS);
};

// Buttons of the fleet. Its parts are drawn again all the time, and a press must not be lost with the button that got it: so
// every press goes to a store that stays. `data-fleet` is the verb, the other attributes say of what.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fleet]");
  if (!button || button.disabled) return;
  const set = window.dash_clientside.set_props, { fleet: verb, worker = "0", place = "", job = "0", by = "0" } = button.dataset;
  if (verb === "remove" && !button.dataset.sure) {
    askAgain(button);
    return;
  }
  if (verb === "add") {
    set("fleet-add-told", { children: [] });
    set("fleet-add", { is_open: true });
    return;
  }
  set("fleet-press", { data: { verb, place, worker: Number(worker), job: Number(job), by: Number(by), at: Date.now() } });
});
