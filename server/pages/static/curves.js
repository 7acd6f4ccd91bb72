"use strict";
// Curves are drawn anew as soon as something is chosen; without this a button asks for it. A line says its value where it
// is pointed at; the arrows to the left and right go along it, those up and down to another line.

const LINE = "[data-x] path[data-tip]";
const DIGITS = 4;
// How far along its line the keyboard is; null at its end, whose value the server has written.
let alongLine = null;

document.addEventListener("change", (event) => {
  const form = event.target.closest(".curve-form");
  if (form) form.requestSubmit();
});

// The line's points, in the units of its drawing.
function pointsAlong(line) {
  const segments = segmentsOf(line);
  const starts = segments.filter(([x, y], at) => !at || x !== segments[at - 1][2] || y !== segments[at - 1][3]);
  return [...starts, ...segments.map(([, , x, y]) => [x, y])].sort(([one], [other]) => one - other);
}

function nearestAlong(line, clientX) {
  const { a, e } = line.getScreenCTM();
  const away = ([x]) => Math.abs(x * a + e - clientX);
  return pointsAlong(line).reduce((best, each) => (away(each) < away(best) ? each : best));
}

// What the drawing says of a place: its axes' ends are told beside it, in the units that it is drawn in.
function valuesAt(line, [x, y]) {
  const { x: across, y: up, log } = line.ownerSVGElement.dataset;
  const size = line.ownerSVGElement.viewBox.baseVal.width;
  const [[first, last], [low, high]] = [across, up].map((ends) => ends.split(" ").map(Number));
  const part = 1 - y / size;
  const value = log === undefined ? low + (high - low) * part : low * (high / low) ** part;
  return [first + ((last - first) * x) / size, value, log === undefined ? (high - low) / size : value / size];
}

function duration(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.round(seconds) % 60];
  if (hours) return `${hours} h ${String(minutes).padStart(2, "0")} m`;
  return minutes ? `${minutes} m ${String(rest).padStart(2, "0")} s` : `${rest} s`;
}

function across(line, x) {
  const { xName, x: ends } = line.ownerSVGElement.dataset;
  if (xName === "time") return duration(x);
  const whole = ends.split(" ").every((end) => Number.isInteger(Number(end)));
  return `${xName} ${whole ? Math.round(x).toLocaleString("en") : Number(x.toPrecision(DIGITS))}`;
}

function lineText(line, place) {
  const [x, value, step] = valuesAt(line, place);
  // No more decimals than the drawing is fine.
  const decimals = Math.min(Math.max(-Math.floor(Math.log10(step)) - 1, 0), 12);
  const text = value && Math.abs(value) < 1e-4 ? value.toPrecision(3) : value.toFixed(decimals);
  return `${line.dataset.tip.split("\n")[0]}\n${text.replace("-", "−")} at ${across(line, x)}`;
}

function tipText(mark, clientX) {
  if (!mark.matches(LINE) || clientX === undefined) return mark.dataset.tip;
  const place = nearestAlong(mark, clientX);
  const isLast = place[0] === Math.max(...pointsAlong(mark).map(([x]) => x));
  return isLast ? mark.dataset.tip : lineText(mark, place);
}

// Tells whether a key led along a line.
function stepAlong(mark, steps, event) {
  if (!mark.matches(LINE) || !["ArrowLeft", "ArrowRight"].includes(event.key)) return false;
  const places = pointsAlong(mark);
  const at = alongLine && alongLine.mark === mark ? alongLine.at : places.length - 1;
  alongLine = { mark, at: Math.min(Math.max(at + steps, 0), places.length - 1) };
  const { a, d, e, f } = mark.getScreenCTM();
  const [x, y] = places[alongLine.at];
  showTip(mark, x * a + e, y * d + f);
  return true;
}
