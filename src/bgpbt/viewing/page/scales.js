// Axes: from values to pixels, where the ticks are, and how numbers are written.

const SUFFIXES = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];

function shortSteps(n) {
  for (const [size, suffix] of SUFFIXES) {
    if (Math.abs(n) >= size) return trimmed(n / size, 3) + suffix;
  }
  return trimmed(n, 3);
}

function trimmed(x, digits) {
  return String(Number(x.toPrecision(digits)));
}

function shortNumber(x) {
  if (x === null || x === undefined) return "–";
  if (typeof x === "boolean") return x ? "yes" : "no";
  if (typeof x !== "number") return String(x);
  const size = Math.abs(x);
  if (x !== 0 && (size < 1e-3 || size >= 1e6)) return x.toExponential(3).replace(/\.?0*e\+?/, "e");
  return trimmed(x, 4);
}

// Counts are written out; other numbers have four significant digits.
function fullNumber(x) {
  if (typeof x === "number" && Number.isInteger(x)) return Math.abs(x) >= 10000 ? x.toLocaleString("en") : String(x);
  return shortNumber(x);
}

function duration(seconds) {
  if (seconds === null) return "–";
  const whole = Math.round(seconds), hours = Math.floor(whole / 3600), minutes = Math.floor((whole % 3600) / 60);
  if (hours) return hours + " h " + String(minutes).padStart(2, "0") + " min";
  if (minutes) return minutes + " min " + String(whole % 60).padStart(2, "0") + " s";
  return (seconds < 10 ? trimmed(seconds, 2) : whole) + " s";
}

function niceTicks(low, high, count) {
  if (Number.isInteger(low) && Number.isInteger(high) && high - low > 1 && high - low <= 5) { // a tick for each of few integers
    return Array.from({ length: high - low + 1 }, (_, k) => low + k);
  }
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    ticks.push(Number((k * step).toPrecision(12)));
  }
  return ticks;
}

function linear(low, high, from, to, count) {
  if (!(high > low)) { const pad = Math.abs(low) * 0.1 || 1; low -= pad; high += pad; }
  const at = (x) => from + ((x - low) / (high - low)) * (to - from);
  return { at, ticks: niceTicks(low, high, count), low, high };
}

function logTicks(low, high, count) {
  const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
  const stride = Math.max(1, Math.ceil((last - first + 1) / count));
  const ticks = [];
  for (let k = first; k <= last; k += stride) ticks.push(Number((10 ** k).toPrecision(12)));
  if (ticks.length >= 2) return ticks;
  return [1, 2, 5].flatMap((f) => [first - 1, first, last].map((k) => Number((f * 10 ** k).toPrecision(12))))
    .filter((x, i, all) => x >= low * 0.999 && x <= high * 1.001 && all.indexOf(x) === i).sort((a, b) => a - b);
}

function logarithmic(low, high, from, to, count) {
  if (!(high > low)) { low /= 2; high *= 2; }
  const span = Math.log(high / low);
  return { at: (x) => from + (Math.log(x / low) / span) * (to - from), ticks: logTicks(low, high, count), low, high };
}

// The axis of a hyperparameter: logarithmic where its space is, a band for each choice.
function hyperparameterScale(item, from, to, count) {
  if (item.scale === "choice") {
    const n = item.choices.length, places = new Map(item.choices.map((choice, index) => [choice, index]));
    return { at: (x) => from + ((places.get(x) + 0.5) / n) * (to - from), ticks: item.choices, isChoice: true };
  }
  if (item.scale === "log" && item.low > 0) {
    const scale = logarithmic(item.low, item.high, from, to, count);
    if (item.levels) scale.ticks = item.levels.filter((_, k) => k % Math.ceil(item.levels.length / (count + 2)) === 0);
    return scale;
  }
  if (item.scale === "log_complement" && item.high < 1) {
    const scale = logarithmic(1 - item.high, 1 - item.low, to, from, count);
    const ticks = scale.ticks.map((x) => Number((1 - x).toPrecision(12)));
    return { at: (x) => scale.at(1 - x), ticks, low: item.low, high: item.high };
  }
  return linear(item.low, item.high, from, to, count);
}

// Viridis (CC0) at nine points, and the palette of Okabe and Ito; both are safe for colour-blind readers.
const VIRIDIS = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];
const OKABE_ITO = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999"];
const BINS = 33;

function mix(a, b, share) {
  const part = (hex, k) => parseInt(hex.slice(1 + 2 * k, 3 + 2 * k), 16);
  const mixed = [0, 1, 2].map((k) => Math.round(part(a, k) + (part(b, k) - part(a, k)) * share));
  return "#" + mixed.map((x) => x.toString(16).padStart(2, "0")).join("");
}

const VIRIDIS_BINS = Array.from({ length: BINS }, (_, bin) => {
  const place = (bin / (BINS - 1)) * (VIRIDIS.length - 1), left = Math.min(Math.floor(place), VIRIDIS.length - 2);
  return mix(VIRIDIS[left], VIRIDIS[left + 1], place - left);
});
