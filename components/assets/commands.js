// The command palette: Ctrl/Cmd+K opens it; arrows choose, Enter goes. What the browser knows (pages, actions of the page) is
// listed at once; what the server finds is put below it by a callback.
(() => {
  const $ = (id) => document.getElementById(id);
  const options = () => [...document.querySelectorAll("#palette-list .palette-option")];
  let chosen = 0, before = null;

  const close = () => { window.stripboard.show("command-palette", false); };

  const choose = (to) => {
    const all = options();
    chosen = all.length ? (to + all.length) % all.length : 0;
    all.forEach((option, number) => {
      option.id = `palette-option-${number}`;
      option.setAttribute("role", "option");
      option.setAttribute("tabindex", "-1");
      option.setAttribute("aria-selected", String(number === chosen));
    });
    const field = $("palette-query");
    if (!all.length || !field) return;
    field.setAttribute("aria-activedescendant", all[chosen].id);
    all[chosen].scrollIntoView({ block: "nearest" });
  };

  const everywhere = () => [
    ...[...document.querySelectorAll("#rail a")].map((link) => ["Go to", link.title, "page", () => link.click()]),
    ["Do", "Dark or light", "theme", () => $("theme-switch").click()],
    ["Do", "Show the jobs", "j", () => window.stripboard.show("job-tray")],
    ["Do", "Show what is new", "n", () => window.stripboard.show("notices")],
    ["Do", "Show the keys of this page", "?", () => window.stripboard.show("keys-dialog")],
  ];

  const ofPage = () => [...document.querySelectorAll("#main [data-command]")]
    .filter((button) => !button.disabled && button.getAttribute("aria-disabled") !== "true" && button.offsetParent !== null)
    .map((button) => ["On this page", button.dataset.command, "action", () => button.click()]);

  const draw = () => {
    const at = $("palette-local");
    if (!at) return;
    const words = $("palette-query").value.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = [...ofPage(), ...everywhere()].filter(([, text]) => words.every((word) => text.toLowerCase().includes(word)));
    at.replaceChildren();
    let group = "";
    kept.forEach(([head, text, detail, run]) => {
      if (head !== group) {
        group = head;
        const title = document.createElement("div");
        title.className = "palette-group";
        title.setAttribute("role", "presentation");
        title.textContent = head;
        at.append(title);
      }
      const option = document.createElement("div"), name = document.createElement("span"), more = document.createElement("span");
      option.className = "palette-option";
      name.className = "palette-text";
      name.textContent = text;
      more.className = "palette-detail";
      more.textContent = detail;
      option.append(name, more);
      option.addEventListener("click", () => { before = null; close(); run(); });
      at.append(option);
    });
    choose(0);
  };

  const opened = () => {
    const field = $("palette-query");
    if (!field || !field.closest(".modal.show")) { requestAnimationFrame(opened); return; }
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-expanded", "true");
    field.setAttribute("aria-controls", "palette-list");
    field.setAttribute("aria-label", "Search or do anything");
    field.addEventListener("input", draw);
    field.focus();
    field.select();
    draw();
    new MutationObserver(() => choose(Math.min(chosen, options().length - 1))).observe($("palette-found"), { childList: true });
  };

  const open = () => {
    if ($("palette-query")) return;
    before = document.activeElement;
    window.stripboard.show("command-palette");
    requestAnimationFrame(opened);
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest("#palette-open")) open();
    else if (event.target.closest("#palette-found a")) close();
  });

  document.addEventListener("keydown", (event) => {
    const isOpen = Boolean($("palette-query"));
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (isOpen) close(); else open();
    } else if (isOpen && event.key === "ArrowDown") { event.preventDefault(); choose(chosen + 1); }
    else if (isOpen && event.key === "ArrowUp") { event.preventDefault(); choose(chosen - 1); }
    else if (isOpen && event.key === "Enter") {
      event.preventDefault();
      const option = options()[chosen];
      if (option) option.click();
    } else if (isOpen && event.key === "Escape" && before) { const at = before; setTimeout(() => at.isConnected && at.focus(), 50); }
  }, true);
})();
