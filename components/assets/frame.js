// The frame: theme switch, the marked link of the rail, and keys that never fire while somebody types.
(() => {
  const root = document.documentElement;

  const setTheme = (theme) => {
    root.dataset.theme = theme;
    root.dataset.bsTheme = theme;
    localStorage.setItem("stripboard.theme", theme);
    window.dispatchEvent(new CustomEvent("stripboard:theme", { detail: theme }));
  };
  root.dataset.bsTheme = root.dataset.theme;

  document.addEventListener("click", (event) => {
    if (event.target.closest("#theme-switch")) setTheme(root.dataset.theme === "light" ? "dark" : "light");
  });

  const isTyping = () => {
    const at = document.activeElement;
    return at && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName));
  };

  window.stripboard = Object.assign(window.stripboard || {}, {
    // Whether a key press belongs to the page: not while typing, not in a dialog, not with a modifier.
    isForPage: (event) => !isTyping() && !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector(".modal.show"),
    // A colour of the theme, by the name of its custom property.
    colour: (name) => getComputedStyle(root).getPropertyValue(name).trim(),
  });

  window.dash_clientside = Object.assign(window.dash_clientside || {}, {
    frame: {
      mark: (path) => {
        document.querySelectorAll("#rail a").forEach((link) => {
          const at = link.getAttribute("href");
          const isHere = at === "/" ? path === "/" || /^\/(runs|cells)\//.test(path) : path.startsWith(at);
          link.classList.toggle("on", isHere);
          if (isHere) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
        });
        return path;
      },
    },
  });
})();
