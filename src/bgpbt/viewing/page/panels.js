// What is told in words and small pictures: figures of the run, one member, generations, steps.

function drawFigures(host, run) {
  const { summary, head } = run, best = run.best;
  const figures = [["best return", best ? shortNumber(best.score) : "–",
    best ? `round ${best.round + 1}, member ${best.member}` : "no member has one yet"]];
  const of = head.rounds ? ` of ${head.rounds}` : "";
  figures.push(["round", run.rounds ? `${summary.round + 1}${of}` : "–",
    summary.finished ? "the run is over" : `${summary.done} of ${summary.orders} members done`]);
  const share = head.expected_steps ? ` of ${shortSteps(head.expected_steps)} at most` : "of all members";
  figures.push(["environment steps", shortSteps(run.trainedSteps), share.trim()]);
  figures.push(["speed", run.speed ? `${shortSteps(run.speed)}/s` : summary.member_speed ? `${shortSteps(summary.member_speed)}/s` : "–",
    run.speed ? "steps, all members" : summary.member_speed ? "steps, of one member" : summary.finished ? "not measured" : "not measured yet"]);
  if (!summary.finished) figures.push(["time left", duration(run.secondsLeft), run.secondsLeft === null ? "known while it goes on" : "at most, at this speed"]);
  if (summary.region) {
    const restarts = summary.region.restarts || 0;
    figures.push(["trust region", shortNumber(summary.region.length),
      `side, of 1; ${restarts} ${restarts === 1 ? "restart" : "restarts"}`]);
  }
  if (summary.failed) figures.push(["failed", String(summary.failed), summary.failed === 1 ? "member" : "members"]);
  host.replaceChildren(...figures.map(([label, value, note]) => element("div", { class: "figure" },
    element("div", { class: "figure-label" }, worded(run, label)), element("div", { class: "figure-value" }, value),
    element("div", { class: "figure-note" }, note))));
}

function table(pairs) {
  return element("table", {}, element("tbody", {}, ...pairs.map(([name, value]) => element("tr", {},
    element("th", { scope: "row" }, name), element("td", {}, value)))));
}

function withoutBest(summary) {
  if (!summary.failed) return [element("p", { class: "quiet" }, "No member has been trained yet.")];
  return [element("p", {}, `All ${summary.failed} members that were trained failed:`),
    table(summary.reasons.map(([reason, count]) => [`${count}`, reason]))];
}

function drawMember(host, run, view, choose) {
  const row = view.selected || view.best;
  if (!row) return host.replaceChildren(...withoutBest(run.summary));
  const line = run.ancestry(row), pairs = [];
  pairs.push([worded(run, "return"), row.failure === null ? fullNumber(row.score) : "none"]);
  pairs.push([worded(run, "environment steps"), `${fullNumber(row.total)} (${fullNumber(row.steps)} in this round)`]);
  pairs.push(["generation", String(row.generation + 1)], ["trained for", row.purposeName]);
  pairs.push(["starts from", startText(run, row)]);
  if (row.teacher) pairs.push(["teacher", `member ${row.teacher[1]} of round ${row.teacher[0] + 1}`]);
  pairs.push(["configuration is", run.head.sources[row.source]]);
  if (row.seconds) pairs.push(["took", duration(row.seconds)]);
  if (row.note) pairs.push(["note", row.note]);
  if (row.failure !== null) pairs.push(["failure", row.failure]);
  const values = run.head.hyperparameters.map((item, index) => [item.name, row.configuration[index]])
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => [name, name in (row.trained || {}) ? `${fullNumber(row.trained[name])} (configured ${fullNumber(value)})` : fullNumber(value)]);
  const title = `${view.selected ? "Member" : "Best member:"} ${view.selected ? "" : "member "}${row.member} of round ${row.round + 1}`;
  host.replaceChildren(element("h2", { id: "member-title" }, title), table(pairs),
    element("h3", {}, "Configuration"), table(values), element("h3", {}, worded(run, "Ancestry, with returns")), ancestryText(line, choose),
    ...run.lessons(line).flatMap((lesson, index) => [
      element("h3", {}, index ? "Who was taught by" : "Taught by"), ancestryText(lesson.line, choose)]));
}

function startText(run, row) {
  const how = { fresh: "new weights", from: "", distil: "distillation", grow: "enlarged networks",
    shrinkperturb: "weights shrunk and perturbed" };
  const start = how[run.head.starts[row.start]], from = row.weights;
  const whose = from ? `member ${from[1]} of round ${from[0] + 1}` : row.start ? "new weights" : "";
  return [start, whose].filter(Boolean).join(", ");
}

// Stretches in one slot are told as one; each is a button that selects its last member.
function ancestryText(line, choose) {
  const list = element("ol", { class: "ancestry" });
  for (let at = 0; at < line.length;) {
    let to = at;
    while (to + 1 < line.length && line[to + 1].member === line[at].member && line[to + 1].generation === line[at].generation) to++;
    const first = line[at].round + 1, end = line[to], rounds = end.round + 1 === first ? `round ${first}` : `rounds ${first} to ${end.round + 1}`;
    const button = element("button", { type: "button", class: "link" }, `member ${end.member}, ${rounds}`);
    button.addEventListener("click", () => choose(end));
    list.append(element("li", {}, button, element("span", { class: "quiet" }, ` · ${shortNumber(end.score)}`)));
    at = to + 1;
  }
  return list;
}

const NETWORKS = ["policy", "value"];

function drawGenerations(host, run, choose) {
  const names = run.head.hyperparameters.map((item) => item.name), at = (row, name) => row.configuration[names.indexOf(name)];
  const hasNetworks = names.includes("policy_depth") && names.includes("policy_log2_width");
  const section = host.closest("section");
  section.hidden = run.summary.generations.length < 2 && !hasNetworks;
  if (section.hidden) return;
  const heads = ["generation", "rounds", "students", "their steps", "best return", ...(hasNetworks ? NETWORKS : [])];
  const body = run.summary.generations.map((generation) => {
    const best = generation.best ? run.rows.get(keyOf(...generation.best)) : null;
    const score = element("button", { type: "button", class: "link" }, best ? shortNumber(best.score) : "–");
    if (best) score.addEventListener("click", () => choose(best));
    const cells = [String(generation.number + 1), `${generation.first_round + 1} to ${generation.last_round + 1}`,
      generation.students ? String(generation.students) : "–", shortSteps(generation.distillation_steps), score];
    if (hasNetworks) for (const network of NETWORKS) cells.push(best ? networkPicture(best, network, at) : "–");
    return element("tr", {}, ...cells.map((cell) => element("td", {}, cell)));
  });
  host.replaceChildren(element("table", { class: "wide" },
    element("thead", {}, element("tr", {}, ...heads.map((name) => element("th", { scope: "col" }, worded(run, name))))),
    element("tbody", {}, ...body)));
}

// Layers side by side, as tall as the logarithm of their width.
function networkPicture(row, network, at) {
  const depth = at(row, network + "_depth"), log2Width = at(row, network + "_log2_width");
  const isNormed = at(row, network + "_spectral_norm") === true;
  if (typeof depth !== "number" || typeof log2Width !== "number") return "–";
  const picture = svg("svg", { width: depth * 11 + 4, height: 34, class: "network", "aria-hidden": "true" });
  const tall = 4 + 3 * log2Width;
  for (let layer = 0; layer < depth; layer++) {
    picture.append(svg("rect", { x: 2 + layer * 11, y: (34 - tall) / 2, width: 8, height: tall, rx: 2,
      class: isNormed ? "layer normed" : "layer" }));
  }
  return element("span", { class: "with-text" }, picture,
    `${depth} × ${2 ** log2Width}${isNormed ? ", spectral norm" : ""}`);
}

const PURPOSE_TEXT = {
  initial: "initial design", train: "training the population", distil: "distillation", evaluation: "evaluation (not counted as training)",
};

function drawLedger(host, run) {
  const steps = Object.entries(run.summary.steps).filter(([, n]) => n > 0), all = steps.reduce((sum, [, n]) => sum + n, 0);
  const bar = element("div", { class: "stack" });
  const items = steps.map(([name, n], index) => {
    const colour = OKABE_ITO[["initial", "train", "distil", "evaluation"].indexOf(name) & 7] || OKABE_ITO[index];
    const part = element("div", {}), mark = element("span", { class: "swatch" });
    part.style.background = mark.style.background = colour;
    part.style.flexGrow = String(n / all);
    bar.append(part);
    return element("li", {}, mark, element("span", {}, PURPOSE_TEXT[name] || name),
      element("span", { class: "number", title: worded(run, `${fullNumber(n)} environment steps`) }, shortSteps(n)),
      element("span", { class: "number quiet" }, `${trimmed((100 * n) / all, 3)}%`));
  });
  host.replaceChildren(bar, element("ul", { class: "shares" }, ...items), ...raceOf(run));
}

// When members left, and why.
function raceOf(run) {
  const cuts = run.summary.cuts || [];
  if (!cuts.length) return [];
  const rows = cuts.map(([round, before, after, reason]) => [`before round ${round + 1}`, `${before} members to ${after}${reason && ": " + reason}`]);
  return [element("h3", {}, "Members that left"), table(rows)];
}

function listed(values) {
  const isPlain = values.every((value) => value === null || typeof value !== "object");
  if (isPlain) return values.join(" × ");
  const given = (value) => Object.entries(value).filter(([, part]) => part !== null).map(([name, part]) => `${name} ${part}`);
  return values.map((value) => given(value).join(", ")).join("; ");
}

function flattened(settings, prefix) {
  return Object.entries(settings).flatMap(([name, value]) => {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return flattened(value, `${prefix}${name}.`);
    return [[prefix + name, Array.isArray(value) ? listed(value) : fullNumber(value)]];
  });
}

function drawSettings(host, run) {
  const { head } = run, pairs = [["started", head.created.replace("T", " ").replace("+00:00", " UTC")], ["device", head.device], ["machine", head.machine], ...(head.cores ? [["cores", String(head.cores)]] : [])];
  host.replaceChildren(element("div", {}, element("h3", {}, "Settings"), table(flattened(head.settings, ""))),
    element("div", {}, element("h3", {}, "Made with"), table([...pairs, ...Object.entries(head.versions)])));
}

function drawRunTable(host, runs, chosen, choose) {
  const heads = ["run", "task", "strategy", "seed", worded(chosen, "best return"), "round", "state"];
  const body = runs.map((run, index) => {
    const mark = element("span", { class: "swatch" });
    mark.style.background = OKABE_ITO[index % OKABE_ITO.length];
    const button = element("button", { type: "button", class: "link", "aria-pressed": String(run === chosen) }, run.name);
    button.addEventListener("click", () => choose(run));
    const head = run.head || {}, best = run.best;
    const state = run.problem ? "cannot be read" : !run.summary ? "" : run.summary.finished ? "over" : "not over";
    const cells = [element("span", { class: "with-text" }, mark, button), head.task || "", head.strategy || "",
      head.seed === undefined ? "" : String(head.seed), best ? shortNumber(best.score) : "–", String(run.rounds), state];
    return element("tr", run === chosen ? { class: "chosen" } : {}, ...cells.map((cell) => element("td", {}, cell)));
  });
  host.replaceChildren(element("table", { class: "wide" },
    element("thead", {}, element("tr", {}, ...heads.map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, ...body)));
}
