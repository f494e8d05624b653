// Unfinished pictures: every visible element with `data-preview` (the number of a scene) shows the newest one. Asking is what
// makes a worker's pictures be kept, so nobody asks for what nobody sees.
(() => {
  const LOOK_MS = 400, EVERY_MS = 1500;

  const isSeen = (at) => !document.hidden && at.parentElement && (!at.parentElement.checkVisibility || at.parentElement.checkVisibility());

  const show = async (at) => {
    const scene = at.dataset.preview;
    at.isAsking = true;
    try {
      const answer = await fetch(`/media/cells/${encodeURIComponent(scene)}/preview.jpg`, { cache: "no-store" });
      if (answer.status !== 200 || at.dataset.preview !== scene) { at.hidden = true; return; }
      const before = at.src, now = URL.createObjectURL(await answer.blob());
      at.onload = () => { at.hidden = false; if (before.startsWith("blob:")) URL.revokeObjectURL(before); };
      at.src = now;
    } catch { at.hidden = true; } finally { at.isAsking = false; at.askedAt = Date.now(); }
  };

  setInterval(() => {
    for (const at of document.querySelectorAll("img[data-preview]")) {
      if (!isSeen(at) || at.isAsking) continue;
      if (!at.isKnown) { at.isKnown = true; continue; }  // a pointer that only passes by asks for nothing
      if (Date.now() - (at.askedAt || 0) >= EVERY_MS) show(at);
    }
  }, LOOK_MS);
})();
