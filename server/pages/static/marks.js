"use strict";
// The marks of charts: elements with a tip (data-tip), most of them of a run (data-run). Where they stand, and which is
// nearest. A chart is a drawing, or what says that it is one (data-chart).

const SVG = "http://www.w3.org/2000/svg";
const MARK = "[data-tip]";
const CHART = "[data-chart], svg.plot";
const NUMBERS = /-?[\d.]+(?:e[-+]?\d+)?/g;
let marksKept = new WeakMap();
let segmentsKept = new WeakMap();

function make(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}

function chartOf(element) {
  return element.closest("[data-chart]") || element.closest("svg.plot");
}

// From left to right, then down; drawing by drawing.
function marksOf(chart) {
  if (!marksKept.has(chart)) {
    const marks = [...chart.querySelectorAll(MARK)].map((element) => ({ element, end: endOf(element) }));
    const plots = new Map([...chart.querySelectorAll("svg.plot")].map((plot, number) => [plot, number]));
    const plot = (mark) => plots.get(mark.element.closest("svg.plot")) || 0;
    marks.sort((one, other) => plot(one) - plot(other) || one.end[0] - other.end[0] || one.end[1] - other.end[1]);
    marksKept.set(chart, marks.map((mark) => mark.element));
  }
  return marksKept.get(chart);
}

function forgetMarks() {
  marksKept = new WeakMap();
}

// Where a mark ends: that of a line tells its last value.
function endOf(element) {
  const segments = segmentsOf(element);
  if (segments && segments.length) return segments.at(-1).slice(2, 4);
  const box = element.getBoundingClientRect();
  return [box.left, box.top];
}

// The parts of a path as [x, y, x, y, whether it is a curve of parallel coordinates]; null for what is no path.
function segmentsOf(element) {
  const text = element.getAttribute("d");
  if (text === null) return null;
  if (!segmentsKept.has(element)) segmentsKept.set(element, parsedPath(text));
  return segmentsKept.get(element);
}

function parsedPath(text) {
  const segments = [];
  let [x, y] = [0, 0];
  for (const [, kind, numbers] of text.matchAll(/([MLlch])([^MLlch]*)/g)) {
    const [first, second] = (numbers.match(NUMBERS) || []).map(Number).slice(-2);
    const next = "ML".includes(kind) ? [first, second] : kind === "h" ? [x, y] : [x + first, y + second];
    if (kind !== "M") segments.push([x, y, ...next, kind === "c"]);
    [x, y] = next;
  }
  return segments;
}

// The curve between two axes is the same for all runs but for its ends: how far up it is, so far along.
function rise(along) {
  let [low, high] = [0, 1];
  for (let step = 0; step < 20; step += 1) {
    const middle = (low + high) / 2;
    if (1.5 * middle * (1 - middle) + middle ** 3 < along) low = middle;
    else high = middle;
  }
  return 3 * low ** 2 - 2 * low ** 3;
}

function awayFrom([x0, y0, x1, y1, curved], x, y) {
  const along = x1 === x0 ? 0 : (x - x0) / (x1 - x0);
  if (curved) return along < 0 || along > 1 ? Infinity : Math.abs(y0 + (y1 - y0) * rise(along) - y);
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx ** 2 + dy ** 2;
  const place = length ? Math.min(Math.max(((x - x0) * dx + (y - y0) * dy) / length, 0), 1) : 0;
  return Math.hypot(x0 + place * dx - x, y0 + place * dy - y);
}

function awayFromBox(box, x, y) {
  return Math.hypot(Math.max(box.left - x, x - box.right, 0), Math.max(box.top - y, y - box.bottom, 0));
}

// The mark of a chart that is nearest to a place of the window, if one is as near as `reach` pixels; the last of those
// that are drawn over one another.
function nearestMark(chart, x, y, reach) {
  const frames = new Map();
  const frame = (path) => {
    if (!frames.has(path.ownerSVGElement)) frames.set(path.ownerSVGElement, path.getScreenCTM());
    return frames.get(path.ownerSVGElement);
  };
  let [found, least] = [null, reach];
  for (const element of marksOf(chart)) {
    const away = distance(element, x, y, reach, frame);
    if (away < least || (away === least && found && isAfter(element, found))) [found, least] = [element, away];
  }
  return found;
}

function isAfter(element, other) {
  return Boolean(other.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING);
}

function distance(element, x, y, reach, frame) {
  const segments = segmentsOf(element);
  if (!segments) return awayFromBox(element.getBoundingClientRect(), x, y);
  const { a, d, e, f } = frame(element);
  let least = Infinity;
  for (const [x0, y0, x1, y1, curved] of segments) {
    const [left, right] = [x0 * a + e, x1 * a + e];
    if (x < left - reach || x > right + reach) continue;
    least = Math.min(least, awayFrom([left, y0 * d + f, right, y1 * d + f, curved], x, y));
  }
  return least;
}

// The middle of what is to be seen of a mark, in pixels of the window.
function placeOf(element) {
  const segments = segmentsOf(element);
  if (segments && segments.length) {
    const { a, d, e, f } = element.getScreenCTM();
    const [x, y] = endOf(element);
    return [x * a + e, y * d + f];
  }
  const box = element.getBoundingClientRect();
  return [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
}
