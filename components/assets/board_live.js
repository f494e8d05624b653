// What is being made just now: asked of the server while something is and somebody looks. Events tell when a scene begins and
// ends; how far it is in between tells none.
(() => {
  const B = (window.stripboardBoard = window.stripboardBoard || {});
  const EVERY_MS = 2000, ONLY_WAITING_EVERY = 3;
  let turn = 0, isAsking = false;

  const ask = async () => {
    if (!B.isHere || !B.isHere() || document.hidden || isAsking) return;
    const { model, run } = B.state, runs = model.counts[B.CODE.generating] > 0, waits = model.counts[B.CODE.queued] > 0;
    turn++;
    if (!runs && (!waits || turn % ONLY_WAITING_EVERY)) { if (!waits) forget(); return; }
    isAsking = true;
    try {
      const answer = await fetch(`/api/v1/production-runs/${run}/live`, { headers: { Accept: "application/json" } });
      if (answer.ok) take(run, await answer.json());
    } catch { /* the feed tells that the server is away */ } finally { isAsking = false; }
  };

  const forget = () => { if (B.state.live && B.state.live.running.size + B.state.live.waiting.size) take(B.state.run, { now: 0, running: [], waiting: [] }); };

  const take = (run, told) => {
    if (!B.isHere() || B.state.run !== run) return;
    const { model } = B.state, running = new Map(), waiting = new Map();
    for (const [id, share, part, parts, step, worker, since, cost, stage] of told.running) {
      const i = model.indexOf(id);
      if (i >= 0) running.set(i, { share, part, parts, step, worker, since: since - told.now, cost, stage });
    }
    for (const [id, why, at] of told.waiting) { const i = model.indexOf(id); if (i >= 0) waiting.set(i, { why, inS: at === null ? null : at - told.now }); }
    B.state.live = { running, waiting, at: Date.now() / 1000 };
    if (model.layer === "cost") B.refresh(); else B.remark();
    if (!B.el("cards").hidden) B.updateCards(model);
    if (B.state.hover && B.state.hoverAt) B.card(B.state.hover, B.state.hoverAt);
  };

  const running = (i) => (B.state.live && B.state.model.shown[i] === B.CODE.generating ? B.state.live.running.get(i) : undefined);
  const waiting = (i) => (B.state.live && B.state.model.shown[i] !== B.CODE.blocked ? B.state.live.waiting.get(i) : undefined);

  // A scene under way of which nothing runs: the segment before is done, and the next one waits.
  const idle = (i) => Boolean(B.state.live) && B.state.live.at > B.state.model.since[i] && B.state.model.shown[i] === B.CODE.generating && !running(i);
  // Its state in words; why it waits is part of them.
  const standing = (i, age) => {
    if (!idle(i)) return `${B.WORDS[B.state.model.shown[i]]} for ${age}`;
    const next = waiting(i);
    return next ? `between segments: ${next.why}` : "nothing of it runs just now";
  };

  // The picture of the scene under the pointer: one element for as long as it is the same scene.
  let picture = null;
  const previewOf = (i) => {
    const id = String(B.state.model.id(i));
    if (!picture || picture.dataset.preview !== id) picture = B.make("img", "bx-preview", null, { "data-preview": id, alt: "Newest unfinished picture", hidden: "" });
    return picture;
  };

  const money = (amount) => (amount >= 0.0001 || !amount ? amount.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: amount > 0 && amount < 1 ? 2 - Math.floor(Math.log10(amount)) : 2 }) : "< 0.0001");

  // Lines of the card under the pointer.
  const liveLines = (i) => {
    const one = running(i), next = waiting(i), found = [];
    if (one) {
      const where = [one.parts ? `segment ${one.part} of ${one.parts}` : one.stage.replace("_", " "), one.worker].filter(Boolean).join(" at ");
      found.push(B.make("div", "", `${one.step || "under way"} · ${B.share(one.share, 1)} %`));
      found.push(B.make("div", "muted", `${where}, for ${B.duration(Date.now() / 1000 - B.state.live.at - one.since)}${one.cost > 0 ? `, cost ${money(one.cost)} so far` : ""}`));
      if (one.parts) found.push(previewOf(i));
    } else if (next) {
      const begins = next.inS !== null && next.inS > 0 ? `expected to begin in ${B.duration(next.inS)}` : "";
      const told = [idle(i) ? "" : next.why, begins].filter(Boolean).join("; ");
      if (told) found.push(B.make("div", "muted", told));
    }
    return found;
  };

  setInterval(ask, EVERY_MS);
  window.addEventListener("stripboard:events", () => setTimeout(ask, 300));
  Object.assign(B, { running, waiting, idle, standing, liveLines, money });
})();
