// The charts of one run: returns, lineage, schedules. Paths are drawn in batches, so that ten thousand
// members are a few dozen elements; what is under the pointer is computed.

function drawReturns(host, run, view) {
  const { picture, width, height } = canvas(host, 290);
  const box = { left: 52, right: width - 10, top: 22, bottom: height - 36 };
  const sound = [...run.rows.values()].filter((row) => row.score !== null && row.failure === null);
  host.rowNear = null;
  if (!sound.length) return emptyChart(picture, box, worded(run, "no member has a return yet"));
  let low = Infinity, high = -Infinity, last = 1;
  for (const row of sound) {
    low = Math.min(low, row.score);
    high = Math.max(high, row.score);
    last = Math.max(last, row.total);
  }
  const x = linear(0, last, box.left, box.right, width / 110), y = linear(low, high, box.bottom - 4, box.top, 5);
  const d = [], ends = [];
  for (const row of sound) {
    row.corner = px(x.at(row.total)) + " " + px(y.at(row.score)); // parents come before children
    const from = row.parentRow;
    if (from && from.score !== null && from.failure === null && from.total <= row.total) {
      d.push("M", from.corner, "L", row.corner);
    } else ends.push("M", row.corner, "h0");
  }
  axes(picture, box, x, y, {
    formatX: shortSteps, formatY: shortNumber, x: worded(run, "environment steps of a member"), y: worded(run, "return"),
  });
  picture.append(svg("path", { d: d.join(""), class: "others" }), svg("path", { d: ends.join(""), class: "dots" }));
  const place = (row) => [x.at(row.total), y.at(row.score)];
  host.rowNear = (at) => nearest(sound.map((row) => [...place(row), row]), at, 24);
  const scored = (line) => line.filter((row) => row.score !== null);
  for (const { line } of view.bestLessons) drawLine(picture, scored(line), place, "best-line taught");
  for (const { line } of view.selectedLessons) drawLine(picture, scored(line), place, "selected-line taught");
  drawLine(picture, scored(view.bestLine), place, "best-line");
  drawLine(picture, scored(view.selectedLine), place, "selected-line");
  if (view.best) ring(picture, place(view.best), "best-ring");
  if (view.selected && view.selected.score !== null) ring(picture, place(view.selected), "selected-ring");
}

function emptyChart(picture, box, text) {
  picture.append(svg("text", { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2, class: "label",
    "text-anchor": "middle" }, text));
}

function drawLine(picture, line, place, name) {
  if (!line.length) return;
  const d = line.map((row, index) => {
    const [x, y] = place(row);
    return (index ? "L" : "M") + px(x) + " " + px(y);
  });
  picture.append(svg("path", { d: d.join(""), class: name }));
}

function ring(picture, at, name) {
  picture.append(svg("circle", { cx: px(at[0]), cy: px(at[1]), r: 4.5, class: name }));
}

// A colour for every row: by return or by a hyperparameter.
function colouring(run, choice) {
  const index = run.head.hyperparameters.findIndex((item) => item.name === choice);
  if (index >= 0 && run.head.hyperparameters[index].scale === "choice") {
    const choices = run.head.hyperparameters[index].choices;
    const colour = (row) => OKABE_ITO[choices.indexOf(row.configuration[index]) % OKABE_ITO.length];
    return { colour, isChoice: true, entries: choices.map((c, k) => [shortNumber(c), OKABE_ITO[k % OKABE_ITO.length]]) };
  }
  let valueOf = (row) => (row.failure === null ? row.score : null), scale, low, high;
  if (index >= 0) {
    const item = run.head.hyperparameters[index];
    valueOf = (row) => { const value = row.configuration[index]; return value === undefined ? null : value; };
    scale = hyperparameterScale(item, 0, 1, 4);
    [low, high] = [item.low, item.high];
  } else {
    const scores = Float64Array.from([...run.rows.values()].filter((row) => valueOf(row) !== null), valueOf).sort();
    // A few disasters must not take all of the colours: the scale begins at the fifth percentile.
    [low, high] = scores.length ? [scores[Math.floor(scores.length * 0.05)], scores[scores.length - 1]] : [0, 1];
    scale = linear(low, high, 0, 1, 4);
  }
  const colour = (row) => {
    const value = valueOf(row);
    if (value === null) return null;
    return VIRIDIS_BINS[Math.round(Math.min(Math.max(scale.at(value), 0), 1) * (BINS - 1))];
  };
  return { colour, isChoice: false, low, high };
}

function drawLegend(host, colours, choice) {
  const name = choice;
  if (colours.isChoice) {
    host.replaceChildren(...colours.entries.map(([text, colour]) => {
      const mark = element("span", { class: "swatch" });
      mark.style.background = colour;
      return element("span", { class: "entry" }, mark, text);
    }));
    return;
  }
  const bar = element("span", { class: "bar" });
  bar.style.background = `linear-gradient(to right, ${VIRIDIS.join(",")})`;
  host.replaceChildren(element("span", {}, name), element("span", {}, shortNumber(colours.low)), bar,
    element("span", {}, shortNumber(colours.high)));
}

function drawLineage(host, run, view) {
  const slots = slotsOf(run), top = 38;
  const { picture, width, height } = canvas(host, Math.round(top + slots.height + 40));
  const box = { left: 52, right: width - 10, top, bottom: height - 36 };
  host.geometry = null;
  if (!run.rounds) return emptyChart(picture, box, "no member has been trained yet");
  const pitchX = Math.min((box.right - box.left) / run.rounds, 80), cellX = pitchX * (pitchX > 7 ? 0.56 : 0.92);
  const cellY = slots.pitch * 0.72, smallY = slots.small * 0.72;
  const x = (round) => box.left + (round + 0.5) * pitchX, y = (member) => box.top + slots.at(member);
  host.geometry = { box, pitchX, slots };
  drawBands(picture, run, box, pitchX, view);
  const cells = new Map(), students = [], failed = [], copies = [], stays = [], heads = [], teachers = new Set();
  const colours = colouring(run, view.colour), tallAt = (member) => (member < slots.main ? cellY : smallY);
  // Ten thousand cells: corner and shape are written down once for each round and slot.
  const lefts = Array.from({ length: run.rounds }, (_, round) => "M" + px(x(round) - cellX / 2) + " ");
  const shapes = Array.from({ length: run.members }, (_, member) => {
    const tall = tallAt(member);
    return `${px(y(member) - tall / 2)}h${px(cellX)}v${px(tall)}h${px(-cellX)}z`;
  });
  for (const row of run.rows.values()) {
    const cell = lefts[row.round] + shapes[row.member];
    const colour = colours.colour(row);
    if (row.failure !== null || colour === null) failed.push(cell);
    else if (cells.has(colour)) cells.get(colour).push(cell);
    else cells.set(colour, [cell]);
    if (row.rung !== null && tallAt(row.member) > 5) students.push(`M${px(x(row.round))} ${px(y(row.member))}h0`);
    if (row.teacherRow) teachers.add(row.teacherRow);
    const from = row.parentRow;
    if (!from) continue;
    if (from.member === row.member && pitchX <= 7) continue;
    const x0 = px(x(from.round) + cellX / 2), x1 = px(x(row.round) - cellX / 2), y1 = px(y(row.member));
    if (from.member === row.member) {
      stays.push(`M${x0} ${y1}H${x1}`);
      continue;
    }
    const bend = px((x0 + x1) / 2), y0 = px(y(from.member));
    copies.push(`M${x0} ${y0}C${bend} ${y0} ${bend} ${y1} ${x1} ${y1}`);
    if (pitchX > 7) heads.push(`M${x1} ${y1}l-4.5 -2.6v5.2z`);
  }
  picture.append(svg("path", { d: stays.join(""), class: "stays" }));
  for (const [colour, parts] of cells) picture.append(svg("path", { d: parts.join(""), fill: colour }));
  picture.append(svg("path", { d: failed.join(""), class: "failed" }));
  picture.append(svg("path", { d: copies.join(""), class: pitchX > 7 ? "copies" : "copies dense" }));
  picture.append(svg("path", { d: heads.join(""), class: "heads" }));
  if (pitchX > 7) picture.append(svg("path", { d: students.join(""), class: "students" }));
  const place = (row) => [x(row.round), y(row.member)];
  const tallOf = (row) => tallAt(row.member);
  for (const [lessons, name] of [[view.bestLessons, "best-line taught"], [view.selectedLessons, "selected-line taught"]]) {
    for (const { line, student } of lessons) drawLine(picture, [...line, student], place, name);
  }
  outline(picture, view.bestLine, place, cellX, tallOf, "best");
  outline(picture, view.selectedLine, place, cellX, tallOf, "selected");
  for (const row of teachers) mortarboard(picture, x(row.round), y(row.member), Math.min(cellY, 11));
  lineageLabels(picture, run, box, pitchX, y, slots);
  drawLegend(view.legend, colours, view.colour === "return" ? worded(run, "return") : view.colour);
}

// Where members stand: those of the population at full height, further candidates and students smaller.
function slotsOf(run) {
  let main = 0;
  for (const row of run.rows.values()) if (row.purposeName === "train") main = Math.max(main, row.member + 1);
  main = main || run.members;
  const pitch = Math.min(22, Math.max(9, 340 / main)), small = Math.min(pitch, 8);
  const at = (member) => (member < main ? (member + 0.5) * pitch : main * pitch + (member - main + 0.5) * small);
  const memberAt = (y) => Math.floor(y < main * pitch ? y / pitch : main + (y - main * pitch) / small);
  return { main, pitch, small, at, memberAt, height: main * pitch + (run.members - main) * small };
}

function outline(picture, line, place, cellX, tallOf, name) {
  drawLine(picture, line, place, name + "-line");
  const w = cellX + 2;
  const d = line.map((row) => {
    const [x, y] = place(row), h = tallOf(row) + 2;
    return `M${px(x - w / 2)} ${px(y - h / 2)}h${px(w)}v${px(h)}h${px(-w)}z`;
  });
  if (line.length && cellX > 4) {
    picture.append(svg("path", { d: d.join(""), class: "halo" }), svg("path", { d: d.join(""), class: name + "-cells" }));
  }
  if (line.length) ring(picture, place(line[line.length - 1]), name + "-ring");
}

// A diamond: this member's policy was taught to the students of the next generation.
function mortarboard(picture, x, y, size) {
  const r = size / 2 + 1;
  const d = `M${px(x)} ${px(y - r)}L${px(x + r)} ${px(y)}L${px(x)} ${px(y + r)}L${px(x - r)} ${px(y)}z`;
  picture.append(svg("path", { d, class: "teacher" }));
}

function drawBands(picture, run, box, pitchX) {
  for (const generation of run.summary.generations) {
    const x0 = box.left + generation.first_round * pitchX, x1 = box.left + (generation.last_round + 1) * pitchX;
    picture.append(svg("rect", { x: px(x0), y: box.top - 4, width: px(x1 - x0), height: px(box.bottom - box.top + 4),
      class: generation.number % 2 ? "band odd" : "band" }));
    if (run.summary.generations.length < 2) continue;
    const text = x1 - x0 > 90 ? `generation ${generation.number + 1}` : x1 - x0 > 16 ? String(generation.number + 1) : "";
    picture.append(svg("text", { x: px((x0 + x1) / 2), y: box.top - 10, class: "label", "text-anchor": "middle" }, text));
  }
}

function lineageLabels(picture, run, box, pitchX, y, slots) {
  const steps = niceTicks(1, Math.max(run.rounds, 2), Math.min(run.rounds, (box.right - box.left) / 70));
  for (const round of steps.filter((tick) => Number.isInteger(tick) && tick >= 1 && tick <= run.rounds)) {
    picture.append(svg("text", { x: px(box.left + (round - 0.5) * pitchX), y: box.bottom + 15, class: "tick",
      "text-anchor": "middle" }, String(round)));
  }
  const stride = slots.main > 12 ? 4 : 1;
  const write = (text, at) => picture.append(svg("text", { x: box.left - 6, y: px(at + 3.5), class: "tick",
    "text-anchor": "end" }, text));
  for (let member = 0; member < slots.main; member += stride) write(String(member), y(member));
  if (run.members > slots.main) { // the small ones share a label
    const last = run.members - 1, middle = (y(slots.main) + y(last)) / 2;
    write(last > slots.main ? `${slots.main}–${last}` : String(last), Math.max(middle, y(slots.main - 1) + 13));
  }
  picture.append(svg("text", { x: box.right, y: box.bottom + 30, class: "label", "text-anchor": "end" }, "round"));
  picture.append(svg("text", { x: 0, y: 11, class: "label" }, "member"));
}

function rowAt(host, run, event) {
  const geometry = host.geometry;
  if (!geometry) return null;
  const at = pointerIn(host.querySelector("svg"), event);
  const round = Math.floor((at.x - geometry.box.left) / geometry.pitchX);
  const member = geometry.slots.memberAt(at.y - geometry.box.top);
  return run.rows.get(keyOf(round, member)) || null;
}

// One small chart for each hyperparameter: every value that was tried, and the winner's schedule.
function drawSchedules(host, run, view) {
  const items = run.head.hyperparameters;
  while (host.children.length > items.length) host.lastChild.remove();
  while (host.children.length < items.length) host.append(element("figure", { class: "small" }, element("figcaption", {})));
  let last = 1;
  const tried = [];
  for (const row of run.rows.values()) {
    last = Math.max(last, row.total);
    if (row.isOwn) tried.push(row);
  }
  items.forEach((item, index) => drawSchedule(host.children[index], item, index, tried, last, view));
}

function drawSchedule(figure, item, index, tried, last, view) {
  figure.firstChild.textContent = item.name + (item.scale === "log" ? " (log)" : item.scale === "log_complement" ? " (log of 1 − x)" : "");
  const { picture, width, height } = canvas(figure, 132);
  const longest = item.scale === "choice" ? Math.max(...item.choices.map((c) => shortNumber(c).length)) : 6;
  const box = { left: Math.min(14 + 6 * longest, 112), right: width - 8, top: 8, bottom: height - 20 };
  const x = linear(0, last, box.left, box.right, 3), y = hyperparameterScale(item, box.bottom - 5, box.top, 3);
  axes(picture, box, x, y, { formatX: shortSteps, formatY: (value) => shortened(shortNumber(value)) });
  const active = tried.filter((row) => row.configuration[index] !== null && row.configuration[index] !== undefined);
  figure.rowNear = (at) => nearest(active.map((row) => [x.at(row.first_step), y.at(row.configuration[index]), row]), at, 16);
  // Whole pixels: a dot is three wide, and equal ones need to be drawn once.
  const dots = new Set(), at = (z) => Math.round(z);
  for (const row of active) dots.add("M" + at(x.at(row.first_step)) + " " + at(y.at(row.configuration[index])) + "h0");
  picture.append(svg("path", { d: [...dots].join(""), class: "dots" }));
  for (const { line } of view.bestLessons) drawSteps(picture, line, index, x, y, "best-line taught");
  for (const { line } of view.selectedLessons) drawSteps(picture, line, index, x, y, "selected-line taught");
  drawSteps(picture, view.bestLine, index, x, y, "best-line");
  drawSteps(picture, view.selectedLine, index, x, y, "selected-line");
}

const LONGEST_TICK = 15;
const shortened = (text) => (text.length > LONGEST_TICK ? text.slice(0, LONGEST_TICK) + "…" : text);

function drawSteps(picture, line, index, x, y, name) {
  const d = [];
  let before = null;
  for (const row of line) {
    const value = row.configuration[index];
    const isThere = value !== null && value !== undefined;
    if (isThere) {
      const at = px(y.at(value)), from = px(x.at(row.first_step));
      d.push(before === null || from < before ? `M${from} ${at}` : `V${at}`, `H${px(x.at(row.total))}`);
    }
    before = isThere ? px(x.at(row.total)) : null;
  }
  if (d.length) picture.append(svg("path", { d: d.join(""), class: name }));
}

// Side of the trust region over rounds, and where it began anew.
function drawRegion(host, run) {
  const { picture, width, height } = canvas(host, 170), said = run.summary.regions;
  const box = { left: 44, right: width - 10, top: 22, bottom: height - 36 };
  const x = linear(1, run.rounds, box.left, box.right, width / 80);
  const y = linear(0, Math.max(...said.map(([, side]) => side), 0.1), box.bottom, box.top, 4);
  axes(picture, box, x, y, { formatX: shortNumber, formatY: shortNumber, x: "round", y: "side, of 1" });
  const d = [], restarts = [];
  host.points = [];
  for (const [round, side, restart] of said) {
    if (restart !== null) restarts.push(`M${px(x.at(round + 1))} ${box.top}V${box.bottom}`);
    const at = [px(x.at(round + 1)), px(y.at(side))];
    d.push(d.length ? `H${at[0]}V${at[1]}` : `M${at[0]} ${at[1]}`);
    host.points.push([...at, [round, side]]);
  }
  picture.append(svg("path", { d: d.join(""), class: "region" }), svg("path", { d: restarts.join(""), class: "restarts" }));
}

const taskOf = (run) => (run.head ? run.head.task : "");

// The best return of every run of the chosen one's task over the steps of its whole population.
function drawOverview(host, runs, chosen) {
  const { picture, width, height } = canvas(host, 230);
  const box = { left: 52, right: width - 10, top: 22, bottom: height - 36 };
  // Returns of another task are on another scale: they are told in the table alone.
  const task = taskOf(chosen), curves = runs.map((run) => (taskOf(run) === task ? run.bestSoFar() : [])), all = curves.flat();
  if (!all.length) return emptyChart(picture, box, worded(chosen, "no member has a return yet"));
  const x = linear(0, Math.max(...all.map((p) => p.steps)), box.left, box.right, width / 110);
  const y = linear(Math.min(...all.map((p) => p.score)), Math.max(...all.map((p) => p.score)), box.bottom - 4, box.top, 4);
  axes(picture, box, x, y, {
    formatX: shortSteps, formatY: shortNumber, x: worded(chosen, "environment steps of all members"), y: worded(chosen, "best return so far") + (task ? `, ${task}` : ""),
  });
  host.points = [];
  curves.forEach((curve, index) => {
    const d = curve.map((p, k) => (k ? "L" : "M") + px(x.at(p.steps)) + " " + px(y.at(p.score)));
    const line = svg("path", { d: d.join(""), class: "run-line" + (runs[index] === chosen ? " chosen" : "") });
    line.style.stroke = OKABE_ITO[index % OKABE_ITO.length];
    picture.append(line);
    for (const p of curve) host.points.push([x.at(p.steps), y.at(p.score), { run: runs[index], ...p }]);
  });
}
