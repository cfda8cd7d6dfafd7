// The page: takes in documents, from the file itself or from the server, and draws what has changed.

const byId = (id) => document.getElementById(id);

const page = {
  runs: [], // by their place on the command line
  chosen: 0,
  selected: null, // key of a row of the chosen run
  colour: "return",
  isDrawing: false,
  longest: 0, // milliseconds of scripting of the slowest drawing, for the curious
  drawings: 0,

  get run() { return this.runs[this.chosen] || null; },

  view(run) {
    const best = run.best, selected = this.selected ? run.rows.get(this.selected) || null : null;
    const bestLine = best ? run.ancestry(best) : [], selectedLine = selected ? run.ancestry(selected) : [];
    return {
      best, selected, colour: this.colour, legend: byId("legend"), bestLine, selectedLine,
      bestLessons: run.lessons(bestLine), selectedLessons: run.lessons(selectedLine),
    };
  },

  take(message) {
    while (this.runs.length < message.count) this.runs.push(new Run(""));
    const run = this.runs[message.index];
    run.name = message.name;
    run.take(message);
    this.refresh();
  },

  // Many messages in one frame are one drawing.
  refresh() {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      const began = performance.now();
      this.draw();
      this.longest = Math.max(this.longest, performance.now() - began);
      this.last = performance.now() - began;
      this.drawings += 1;
      document.body.dataset.drawings = String(this.drawings);
    });
  },

  draw() {
    const run = this.run;
    if (!run) return;
    this.drawOverview();
    document.title = `${run.name} · bgpbt`;
    byId("name").textContent = run.name;
    byId("subtitle").textContent = run.head
      ? [run.head.task, run.head.strategy, `seed ${run.head.seed}`].filter(Boolean).join(" · ") : "";
    byId("problem").textContent = run.problem || "";
    byId("problem").hidden = !run.problem;
    byId("run").hidden = !run.head;
    if (!run.head) return;
    for (const at of document.querySelectorAll("[data-words]")) at.textContent = worded(run, at.dataset.words);
    const view = this.view(run);
    drawFigures(byId("figures"), run);
    this.fillColours(run);
    drawMember(byId("member"), run, view, (row) => this.select(row));
    drawGenerations(byId("generations"), run, (row) => this.select(row));
    drawLedger(byId("ledger"), run);
    byId("region").closest("section").hidden = !run.summary.regions.length;
    for (const part of this.parts) {
      part.isOld = true;
      if (part.isInSight) this.paint(part, run, view);
    }
    if (this.settingsOf !== run.version) drawSettings(byId("settings"), run);
    this.settingsOf = run.version;
  },

  // The large pictures are drawn when they are in sight.
  parts: [["returns", drawReturns], ["lineage", drawLineage], ["schedules", drawSchedules], ["region", drawRegion]]
    .map(([id, draw]) => ({ id, draw, isOld: true, isInSight: false })),

  paint(part, run, view) {
    part.draw(byId(part.id), run, view);
    part.isOld = false;
  },

  follow() {
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const part = this.parts.find(({ id }) => id === entry.target.id);
        part.isInSight = entry.isIntersecting;
        if (part.isInSight && part.isOld && this.run && this.run.head) this.paint(part, this.run, this.view(this.run));
      }
    });
    for (const { id } of this.parts) observer.observe(byId(id));
    window.addEventListener("beforeprint", () => this.paintAll());
    const resized = new ResizeObserver((entries) => {
      if (entries.every(({ target }) => widths.get(target) === Math.max(target.clientWidth, 200))) return;
      widths.clear();
      this.refresh();
    });
    for (const id of ["returns", "lineage", "region", "all-returns"]) resized.observe(byId(id));
  },

  paintAll() {
    if (this.run && this.run.head) for (const part of this.parts) this.paint(part, this.run, this.view(this.run));
  },

  drawOverview() {
    byId("overview").hidden = this.runs.length < 2;
    if (this.runs.length < 2) return;
    drawOverview(byId("all-returns"), this.runs, this.run);
    drawRunTable(byId("run-table"), this.runs, this.run, (run) => this.choose(run));
  },

  fillColours(run) {
    const names = ["return", ...run.head.hyperparameters.map((item) => item.name)], list = byId("colour");
    if (names.length === list.options.length && names.every((name, index) => list.options[index].value === name)) return;
    list.replaceChildren(...names.map((name) => element("option", { value: name }, name === "return" ? worded(run, name) : name)));
    if (!names.includes(this.colour)) this.colour = "return";
    list.value = this.colour;
  },

  choose(run) {
    this.chosen = this.runs.indexOf(run);
    this.selected = null;
    this.refresh();
  },

  select(row) {
    this.selected = row ? row.id : null;
    this.refresh();
  },

  step(rounds, members) {
    const run = this.run, from = this.selected ? run.rows.get(this.selected) : run.best;
    if (!from) return;
    for (let k = 1; k <= Math.max(run.rounds, run.members); k++) {
      const row = run.rows.get(keyOf(from.round + rounds * k, from.member + members * k));
      if (row) return this.select(row);
      if (rounds && k === 1) { // a smaller round: its last member
        const last = Math.max(-1, ...[...run.rows.values()].filter((r) => r.round === from.round + rounds).map((r) => r.member));
        if (last >= 0) return this.select(run.rows.get(keyOf(from.round + rounds, last)));
      }
    }
  },
};

function listen() {
  const returns = byId("returns"), lineage = byId("lineage"), schedules = byId("schedules"), all = byId("all-returns");
  const inReturns = (event) => (returns.rowNear ? returns.rowNear(pointerIn(returns.querySelector("svg"), event)) : null);
  const inSchedules = (event) => {
    const figure = event.target.closest("figure");
    return figure && figure.rowNear ? figure.rowNear(pointerIn(figure.querySelector("svg"), event)) : null;
  };
  for (const [host, find] of [[returns, inReturns], [lineage, (event) => rowAt(lineage, page.run, event)], [schedules, inSchedules]]) {
    host.addEventListener("pointermove", (event) => {
      const row = find(event);
      host.classList.toggle("pointing", Boolean(row));
      if (!row) return tooltip.hide();
      const figure = host === schedules ? [...schedules.children].indexOf(event.target.closest("figure")) : -1;
      const value = figure >= 0 ? [`${page.run.head.hyperparameters[figure].name} = ${fullNumber(row.configuration[figure])}`] : [];
      tooltip.show(event, [...value, ...linesOf(page.run, row)]);
    });
    host.addEventListener("pointerleave", () => tooltip.hide());
    host.addEventListener("click", (event) => page.select(find(event)));
  }
  const curveAt = (event) => nearest(all.points || [], pointerIn(all.querySelector("svg"), event), 24);
  all.addEventListener("pointermove", (event) => {
    const at = curveAt(event);
    if (!at) return tooltip.hide();
    tooltip.show(event, [at.run.name, worded(at.run, `best return ${shortNumber(at.score)}`), worded(at.run, `after ${shortSteps(at.steps)} environment steps, round ${at.round + 1}`)]);
  });
  all.addEventListener("pointerleave", () => tooltip.hide());
  all.addEventListener("click", (event) => { const at = curveAt(event); if (at) page.choose(at.run); });
  const region = byId("region");
  region.addEventListener("pointermove", (event) => {
    const at = nearest(region.points || [], pointerIn(region.querySelector("svg"), event), 24);
    if (at) tooltip.show(event, [`side ${shortNumber(at[1])}`, `round ${at[0] + 1}`]);
    else tooltip.hide();
  });
  region.addEventListener("pointerleave", () => tooltip.hide());
  byId("colour").addEventListener("change", (event) => { page.colour = event.target.value; page.refresh(); });
  byId("theme").addEventListener("click", () => {
    const isDark = getComputedStyle(document.documentElement).getPropertyValue("--is-dark").trim() === "1";
    document.documentElement.dataset.theme = isDark ? "light" : "dark";
  });
  lineage.addEventListener("keydown", onKey);
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function onKey(event) {
  if (event.key in MOVES) page.step(...MOVES[event.key]);
  else if (event.key === "Home") page.select(page.run.best);
  else if (event.key === "Escape") page.select(null);
  else return;
  event.preventDefault();
}

// Server-sent events; after an interruption the server is told what was seen last.
const RETRY_MS = 1000;

function connect(since) {
  const events = new EventSource("events" + (since ? "?since=" + encodeURIComponent(since) : ""));
  let last = since;
  const status = (text, name) => { byId("status").textContent = text; byId("status").className = name; };
  events.addEventListener("open", () => status("live", "live"));
  events.addEventListener("run", (event) => {
    last = event.lastEventId;
    page.take(JSON.parse(event.data));
  });
  events.addEventListener("error", () => {
    status("no connection; trying again", "lost");
    // The browser tries again by itself unless the server answered with something else.
    if (events.readyState === EventSource.CLOSED) setTimeout(() => connect(last), RETRY_MS);
  });
}

listen();
page.follow();
const data = byId("data");
if (data) {
  JSON.parse(data.textContent).forEach((message) => page.take(message));
  byId("status").hidden = true;
} else connect("");
