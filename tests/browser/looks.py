"""What is wrong with how a page looks, found by walking it: text that is cut or runs out of its place."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WALK = """() => {
  const found = [], seen = new Set();
  const name = (at) => at.tagName.toLowerCase() + (at.id ? `#${at.id}` : "") + (typeof at.className === "string" && at.className ? `.${at.className.trim().split(/\\s+/).join(".")}` : "");
  const say = (at, what) => { const line = `${name(at)}: ${what}`; if (!seen.has(line)) { seen.add(line); found.push(line); } };
  const isTold = (at) => !!at.closest("[title], [aria-label], [data-title]");
  const isApart = (style, box) => style.position === "fixed" || box.width <= 2 || box.height <= 2 || style.clipPath !== "none";
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide + 1) found.push(`the page is ${document.documentElement.scrollWidth} px wide, the window ${wide}`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), owner = walker.currentNode.parentElement;
    if (!text || !owner || owner.closest("script, style, noscript, select, svg, textarea, [hidden]")) continue;
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
      if (/auto|scroll/.test(x) && /auto|scroll/.test(y)) { isOver = true; break; }
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
    if (box.width && (box.right > wide + 1 || box.left < -1) && !at.closest("[class*=grid], [class*=view], [class*=scroll], .visually-hidden"))
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
}"""

SEVERE = {"serious", "critical"}


def flaws(page: Page) -> list[str]:
    """Everything that is cut, sticks out, lies under something else or shows nothing."""
    found: list[str] = page.evaluate(WALK)
    return found


def barriers(page: Page) -> list[str]:
    """What axe finds that keeps people out: serious and critical rules, with the elements."""
    response: dict[str, Any] = Axe().run(page).response
    return [
        f"{violation['id']} ({violation['impact']}): {node['target'][0]}: {' '.join(node['failureSummary'].split())[:300]}"
        for violation in response["violations"]
        if violation["impact"] in SEVERE
        for node in violation["nodes"][:4]
    ]
