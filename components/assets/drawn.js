// Draws long lists from plain data: elements and text, never markup. See components/drawn.py.
(() => {
  const PATIENCE_MS = 60_000;
  const seen = new Map(), wanted = new Map();

  const made = (part) => {
    if (typeof part === "string") return document.createTextNode(part);
    const element = document.createElement(part.tag);
    for (const [name, value] of Object.entries(part.props)) element.setAttribute(name, value);
    for (const [name, value] of Object.entries(part.style)) {
      if (name.startsWith("--")) element.style.setProperty(name, value);
      else element.style[name] = value;
    }
    element.append(...part.children.map(made));
    return element;
  };

  // An element that is there and one that is wanted: what differs is changed, so that focus, scrolling and transitions stay.
  const dress = (element, part) => {
    const fresh = made({ ...part, children: [] });
    for (const { name } of [...element.attributes]) if (!fresh.hasAttribute(name)) element.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  };
  const fill = (element, parts) => {
    parts.forEach((part, at) => {
      const node = element.childNodes[at];
      if (!node) element.append(made(part));
      else if (typeof part === "string" && node.nodeType === Node.TEXT_NODE) { if (node.data !== part) node.data = part; }
      else if (typeof part === "string" || node.localName !== part.tag) node.replaceWith(made(part));
      else { dress(node, part); fill(node, part.children); }
    });
    while (element.childNodes.length > parts.length) element.lastChild.remove();
  };

  // What was focused may stand elsewhere now: it is found by what a press of it would do.
  const same = (element) => {
    const marks = [...element.attributes].filter(({ name }) => name.startsWith("data-") || name === "href");
    if (!marks.length) return null;
    return element.localName + marks.map(({ name, value }) => `[${name}="${CSS.escape(value)}"]`).join("");
  };
  // A page may come late: React holds all of it back while a part of it, such as a chart, is still loaded.
  const draw = (drawing, until = Date.now() + PATIENCE_MS) => {
    wanted.set(drawing.place, drawing);
    const place = document.getElementById(drawing.place);
    if (!place) {
      setTimeout(() => { if (wanted.get(drawing.place) === drawing && Date.now() < until) draw(drawing, until); }, 30);
      return;
    }
    const told = JSON.stringify(drawing.parts);
    if (seen.get(place.id) === told && place.childNodes.length) return;
    seen.set(place.id, told);
    const held = place.contains(document.activeElement) ? same(document.activeElement) : null;
    fill(place, drawing.parts);
    const again = held && !(place.contains(document.activeElement) && document.activeElement.matches(held)) && place.querySelector(held);
    if (again) again.focus({ preventScroll: true });
    window.dispatchEvent(new CustomEvent("stripboard:drawn", { detail: place.id }));
  };

  // Links lead to other pages without loading the whole of it, as Dash's own do.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-link]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    window.history.pushState({}, "", link.getAttribute("href"));
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.drawn = { draw: (drawing) => { if (drawing) draw(drawing); return window.dash_clientside.no_update; } };
})();
