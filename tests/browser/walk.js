() => {
  // Walks a page for text that is cut or runs out of its place, and for controls that lie under something else.
  const found = [], seen = new Set();
  const name = (at) => at.tagName.toLowerCase() + (at.id ? `#${at.id}` : "") + (typeof at.className === "string" && at.className ? `.${at.className.trim().split(/\s+/).join(".")}` : "");
  const say = (at, what) => { const line = `${name(at)}: ${what}`; if (!seen.has(line)) { seen.add(line); found.push(line); } };
  const isTold = (at) => !!at.closest("[title], [aria-label], [data-title]");
  const isApart = (style, box) => style.position === "fixed" || box.width <= 2 || box.height <= 2 || style.clipPath !== "none";
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide + 1) found.push(`the page is ${document.documentElement.scrollWidth} px wide, the window ${wide}`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), owner = walker.currentNode.parentElement;
    if (!text || !owner || owner.closest("script, style, noscript, select, svg, textarea, [hidden], .skip")) continue;
    if (!owner.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const box = range.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    let isOver = false;
    for (let at = owner; at && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at), frame = at.getBoundingClientRect();
      if (isApart(style, frame)) { isOver = true; break; }
      if (at === owner && style.display === "inline") continue;
      const x = style.overflowX, y = style.overflowY;
      // The headers of the matrix are moved by its scroll bars.
      if ((/auto|scroll/.test(x) && /auto|scroll/.test(y)) || at.matches("#matrix > *")) { isOver = true; break; }
      const isOutside = box.left >= frame.right || box.right <= frame.left || box.top >= frame.bottom || box.bottom <= frame.top;
      if (isOutside && /hidden|clip/.test(x + y)) { isOver = true; break; }
      const isCutX = /hidden|clip/.test(x) && (box.right > frame.right + 1.5 || box.left < frame.left - 1.5);
      const isCutY = /hidden|clip/.test(y) && (box.bottom > frame.bottom + 3 || box.top < frame.top - 3);
      if (isCutX && !(style.textOverflow === "ellipsis" && isTold(owner))) say(owner, `“${text.slice(0, 40)}” is cut at the side by ${name(at)}`);
      if (isCutY) say(owner, `“${text.slice(0, 40)}” is cut below by ${name(at)}`);
      if (isCutX || isCutY || /auto|scroll/.test(x)) { isOver = true; break; }
    }
    if (!isOver && (box.right > wide + 1 || box.left < -1)) say(owner, `“${text.slice(0, 40)}” sticks out of the window`);
  }
  for (const at of document.querySelectorAll("button, a, input, select, [role=button]")) {
    if (!at.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const box = at.getBoundingClientRect();
    if (box.width && (box.right > wide + 1 || box.left < -1) && !at.closest("[class*=grid], [class*=view], [class*=scroll], .visually-hidden, .skip"))
      say(at, "sticks out of the window");
  }
  for (const at of document.querySelectorAll("header button, header a, nav a, .bx-tools button, .bx-head button")) {
    if (!at.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const box = at.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2;
    if (box.width < 2 || x < 0 || y < 0 || x > innerWidth || y > innerHeight) continue;
    const top = document.elementFromPoint(x, y);
    if (top && top !== at && !at.contains(top) && !top.contains(at)) say(at, `lies under ${name(top)}`);
  }
  for (const image of document.images)
    if (image.complete && !image.naturalWidth && image.checkVisibility() && image.getAttribute("src")) say(image, "shows no picture");
  return found;
}
