// Elements, and a chart's frame. All text goes through textContent: nothing of a run is ever markup.

const SVG = "http://www.w3.org/2000/svg";

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "class") made.className = value;
    else made.setAttribute(name, value);
  }
  for (const child of children) if (child !== null) made.append(child); // strings become text nodes
  return made;
}

function svg(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Widths are asked for once: asking lays out the whole page, which with large pictures takes longer than drawing.
const widths = new Map();

function widthOf(host) {
  if (!widths.has(host)) widths.set(host, Math.max(host.clientWidth, 200));
  return widths.get(host);
}

function canvas(host, height) {
  const width = widthOf(host);
  let picture = host.querySelector("svg");
  if (!picture) {
    picture = svg("svg", { role: "img" });
    host.append(picture);
  }
  picture.replaceChildren();
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  picture.setAttribute("width", width);
  picture.setAttribute("height", height);
  return { picture, width, height };
}

const px = (x) => Math.round(x * 10) / 10;

// Axes with units around a plot; returns nothing, draws into `picture`.
function axes(picture, box, x, y, labels) {
  const grid = [], bottom = box.bottom, write = (text, at) => picture.append(svg("text", at, text));
  for (const tick of x.ticks) {
    const at = px(x.at(tick));
    grid.push(`M${at} ${bottom}v4`);
    const anchor = at > box.right - 12 ? "end" : "middle"; // the last one must not stick out
    write(labels.formatX(tick), { x: anchor === "end" ? box.right + 6 : at, y: bottom + 15, class: "tick", "text-anchor": anchor });
  }
  for (const tick of y.ticks) {
    const at = px(y.at(tick));
    if (!y.isChoice) grid.push(`M${box.left} ${at}H${box.right}`);
    write(labels.formatY(tick), { x: box.left - 6, y: at + 3.5, class: "tick", "text-anchor": "end" });
  }
  picture.prepend(svg("path", { d: grid.join(""), class: "grid" }));
  picture.append(svg("path", { d: `M${box.left} ${bottom}H${box.right}`, class: "axis" }));
  if (labels.x) write(labels.x, { x: box.right, y: bottom + 30, class: "label", "text-anchor": "end" });
  if (labels.y) write(labels.y, { x: 0, y: 11, class: "label" });
}

const tooltip = {
  show(event, lines) {
    const box = document.getElementById("tooltip");
    box.replaceChildren(...lines.map((line, index) => element("div", index ? {} : { class: "strong" }, line)));
    box.hidden = false;
    const width = box.offsetWidth, height = box.offsetHeight;
    box.style.left = Math.max(4, Math.min(event.clientX + 14, window.innerWidth - width - 6)) + "px";
    box.style.top = Math.max(4, Math.min(event.clientY + 14, window.innerHeight - height - 6)) + "px";
  },
  hide() { document.getElementById("tooltip").hidden = true; },
};

// A trainer of the user's has steps and scores, which need not be those of reinforcement learning.
const OWN_WORDS = [[/environment steps/g, "steps"], [/\breturn(s?)\b/g, "score$1"], [/\bReturn(s?)\b/g, "Score$1"]];

function worded(run, text) {
  if (!run || !run.head || !run.head.is_of_own_trainer) return text;
  return OWN_WORDS.reduce((told, [word, own]) => told.replace(word, own), text);
}

function linesOf(run, row) {
  const lines = [`round ${row.round + 1}, member ${row.member}`];
  lines.push(row.failure === null ? worded(run, "return") + ` ${shortNumber(row.score)}` : `failed: ${row.failure}`);
  lines.push(worded(run, `after ${shortSteps(row.total)} environment steps`));
  lines.push(`configuration: ${run.head.sources[row.source]}`);
  if (row.parentRow && row.parentRow.member !== row.member) {
    lines.push(`weights of member ${row.parentRow.member}, round ${row.parentRow.round + 1}`);
  }
  if (row.trained) lines.push(`trained with ${Object.entries(row.trained).map(([name, value]) => `${name} ${fullNumber(value)}`).join(", ")}`);
  if (row.teacherRow) lines.push(`taught by member ${row.teacherRow.member}, round ${row.teacherRow.round + 1}`);
  return lines;
}

// Where the pointer is, in the coordinates of the picture.
function pointerIn(picture, event) {
  const box = picture.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

// Nearest of some points [x, y, thing] to the pointer, within `reach` pixels.
function nearest(points, at, reach) {
  let found = null, least = reach * reach;
  for (const [x, y, thing] of points) {
    const distance = (x - at.x) ** 2 + (y - at.y) ** 2;
    if (distance < least) { least = distance; found = thing; }
  }
  return found;
}
