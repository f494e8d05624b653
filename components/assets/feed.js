// The live feed: one WebSocket a tab, which connects again by itself and goes on where it was.
// Pages listen with window.addEventListener("stripboard:events", …) for quick work in the browser, or with an Input on the
// store `feed` for a callback; both get {state, seq, events}. A state of "reset" means: read everything anew.
(() => {
  const wait = [250, 500, 1000, 2000, 4000];
  let socket = null, run = null, seq = -1, tries = 0, timer = null, told = "";

  const pill = (state, word) => {
    const at = document.getElementById("live-pill");
    if (!at || told === word) return;
    told = word;
    at.dataset.state = state;
    at.textContent = word;
  };

  const tell = (detail) => {
    window.dispatchEvent(new CustomEvent("stripboard:events", { detail }));
    if (window.dash_clientside && window.dash_clientside.set_props) window.dash_clientside.set_props("feed", { data: detail });
  };

  // Browsers complain of a connection that is closed before it is there.
  const leave = (old) => {
    old.onclose = old.onmessage = null;
    if (old.readyState === WebSocket.CONNECTING) old.onopen = () => old.close();
    else old.close();
  };

  const connect = () => {
    clearTimeout(timer);
    if (socket) leave(socket);
    const query = new URLSearchParams({ after: seq });
    if (run !== null && run !== undefined) query.set("run", run);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}/ws/events?${query}`);
    socket.onopen = () => { tries = 0; pill("live", "live"); };
    socket.onmessage = (message) => {
      const said = JSON.parse(message.data);
      if (said.seq === undefined) return;
      seq = said.seq;
      window.dispatchEvent(new CustomEvent("stripboard:moved"));
      if (said.reset) tell({ state: "reset", seq, events: [] });
      else if (said.events && said.events.length) tell({ state: "live", seq, events: said.events });
    };
    socket.onclose = () => {
      pill("away", "reconnecting");
      timer = setTimeout(connect, wait[Math.min(tries++, wait.length - 1)]);
    };
  };

  window.addEventListener("online", connect);
  window.stripboard = Object.assign(window.stripboard || {}, {
    // Go on from this number: what a page has read already need not be told again.
    seen: (number) => { if (number > seq) seq = number; },
    // Listen to this run from this number on, even if later events were told already: a page that has read an older picture.
    resume: (wanted, number) => {
      if (socket !== null && run === wanted && seq === number) return;
      run = wanted;
      seq = number;
      connect();
    },
  });

  window.dash_clientside = Object.assign(window.dash_clientside || {}, {
    feed: {
      listen: (wanted) => {
        if (socket === null || wanted !== run) { run = wanted; connect(); }
        return "The page shows every change within a quarter of a second while this says live.";
      },
    },
  });
})();
