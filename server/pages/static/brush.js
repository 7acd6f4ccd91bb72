"use strict";
// Parallel coordinates under a pointer: a drag along an axis greys at once what it leaves out, and at its end asks for the
// rest; a line or a row of the table that is pointed at shows its run.

const SVG = "http://www.w3.org/2000/svg";
const LEAST_DRAG_PX = 4;
const NEAR_PX = 6;
// Of an axis: a range that ends so close to the axis' own end has no end there.
const OPEN_END = 0.01;
const BOX_PX = 18;
const GRIP_PX = [12, 5];

const pointsOf = new WeakMap();
let drag = null;
let pointed = null;

function gaps(plot) {
  return plot.querySelectorAll(".axis-name").length - 1;
}

// Where a run's line meets the axes: y by the axis' number, from the path that draws it.
function points(path, count) {
  if (!pointsOf.has(path)) pointsOf.set(path, parsed(path.getAttribute("d"), count));
  return pointsOf.get(path);
}

function parsed(text, count) {
  const met = new Map();
  let x = 0;
  let y = 0;
  for (const [, kind, numbers] of text.matchAll(/([Mc])([^Mc]*)/g)) {
    const values = numbers.trim().split(/[ ,]+/).map(Number);
    const [dx, dy] = values.slice(-2);
    [x, y] = kind === "M" ? [dx, dy] : [x + dx, y + dy];
    met.set(Math.round((x * count) / 1000), y);
  }
  return met;
}

function chosenLines(plot) {
  return plot.querySelectorAll(".lines:not(.context) path[data-run]");
}

function axisOf(area) {
  const foot = Number(area.dataset.foot);
  const top = Number(area.dataset.top);
  const log = "log" in area.dataset;
  const value = (place) => (log ? foot * (top / foot) ** place : foot + (top - foot) * place);
  const place = (value) => (log ? Math.log(value / foot) / Math.log(top / foot) : (value - foot) / (top - foot));
  return { value, place, height: Number(area.getAttribute("height")), x: parseFloat(area.getAttribute("x")), log };
}

// As many digits as a pixel of the axis tells apart.
function written(axis, place) {
  const value = axis.value(place);
  const pixel = Math.abs(axis.value(Math.min(place + 1 / axis.height, 1)) - axis.value(Math.min(place, 1 - 1 / axis.height)));
  const digits = Math.ceil(Math.log10(Math.abs(value) / pixel)) || 1;
  return String(Number(value.toPrecision(Math.min(Math.max(digits, 1), 6))));
}

function placeAt(area, event) {
  const box = area.getBoundingClientRect();
  return Math.min(Math.max(1 - (event.clientY - box.top) / box.height, 0), 1);
}

// The range of the address in which a drag begins; it moves that one.
function rangeUnder(area, place) {
  const axis = axisOf(area);
  return new URLSearchParams(location.search).getAll(area.dataset.field).find((text) => {
    if (!text.includes("..")) return false;
    const [low, high] = text.split("..").map((end) => (end === "" ? null : axis.place(Number(end))));
    const ends = [low ?? axis.place(-Infinity), high ?? axis.place(Infinity)].map((end) => Math.min(Math.max(end, 0), 1));
    return Math.min(...ends) <= place && place <= Math.max(...ends);
  });
}

function make(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}

function begin(area, event) {
  const place = placeAt(area, event);
  const group = make("g", { "data-held": "" }, area.parentNode);
  drag = { area, group, axis: axisOf(area), from: place, to: place, startY: event.clientY, replaces: rangeUnder(area, place) };
  const plot = area.closest(".plot");
  drag.gaps = gaps(plot);
  drag.lines = [...chosenLines(plot), ...plot.querySelectorAll(".best-line")];
  area.setPointerCapture(event.pointerId);
}

function drawDrag() {
  if (!drag) return;
  drag.frame = 0;
  const { group, axis, lines, area } = drag;
  const [low, high] = [drag.from, drag.to].sort((one, other) => one - other);
  const x = `${axis.x}%`;
  const [top, foot] = [axis.height * (1 - high), axis.height * (1 - low)];
  group.replaceChildren();
  const box = { class: "brush", x, y: top, width: BOX_PX, height: Math.max(foot - top, 1), rx: 4 };
  make("rect", { ...box, transform: `translate(${-BOX_PX / 2})` }, group);
  for (const place of [low, high]) {
    const y = axis.height * (1 - place);
    const [width, height] = GRIP_PX;
    make("rect", { class: "grip", x, y: y - height / 2, width, height, rx: 2, transform: `translate(${-width / 2})` }, group);
    make("text", { class: "plate", x, dx: 13, y, dy: "0.35em" }, group).textContent = written(axis, place);
  }
  const first = new URLSearchParams(location.search).getAll(area.dataset.field).length === 0;
  if (!first) return;
  const at = Math.round((axis.x * drag.gaps) / 100);
  for (const line of lines) {
    const y = points(line, drag.gaps).get(at);
    line.classList.toggle("out", y === undefined || y < top - 0.5 || y > foot + 0.5);
  }
}

function letGo() {
  if (!drag) return;
  for (const line of drag.lines) line.classList.remove("out");
  drag.group.remove();
  cancelAnimationFrame(drag.frame);
  drag = null;
}

async function finish(event) {
  const { area, axis, from, to, replaces, startY } = drag;
  if (Math.abs(event.clientY - startY) < LEAST_DRAG_PX) return letGo();
  const places = [from, to].sort((one, other) => one - other);
  const ends = places.map((place) => (place < OPEN_END || place > 1 - OPEN_END ? "" : written(axis, place)));
  const asked = new URLSearchParams(location.search);
  const kept = [...asked].filter(([name, text]) => name !== "page" && !(name === area.dataset.field && text === replaces));
  const range = axis.value(0) <= axis.value(1) ? ends : ends.reverse();
  if (range[0] || range[1]) kept.push([area.dataset.field, range.join("..")]);
  drag.group.removeAttribute("data-held");
  await visit(`${location.pathname}?${new URLSearchParams(kept)}`);
  letGo();
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

function nearest(plot, event) {
  const canvas = plot.querySelector("svg svg");
  const box = canvas.getBoundingClientRect();
  const [x, y] = [((event.clientX - box.left) / box.width) * 1000, event.clientY - box.top];
  if (x < 0 || x > 1000 || y < -NEAR_PX || y > box.height + NEAR_PX) return null;
  const count = gaps(plot);
  const left = Math.min(Math.floor((x / 1000) * count), count - 1);
  const up = rise((x / 1000) * count - left);
  let found = null;
  let least = NEAR_PX;
  for (const line of chosenLines(plot)) {
    const [start, end] = [left, left + 1].map((axis) => points(line, count).get(axis));
    const off = start === undefined || end === undefined ? Infinity : Math.abs(start + (end - start) * up - y);
    if (off <= least) [found, least] = [line, off];
  }
  return found;
}

function tip() {
  let found = document.getElementById("tip");
  if (!found) {
    found = document.createElement("div");
    found.id = "tip";
    found.setAttribute("aria-hidden", "true");
    document.body.append(found);
  }
  return found;
}

function point(run, event) {
  if (pointed !== run) {
    for (const old of document.querySelectorAll("path.hovered")) old.remove();
    for (const row of document.querySelectorAll("tr[data-run]")) row.classList.toggle("hovered", row.dataset.run === run);
    for (const line of run ? document.querySelectorAll(`.lines path[data-run="${CSS.escape(run)}"]`) : []) {
      make("path", { class: "hovered", d: line.getAttribute("d") }, line.closest("svg"));
      tip().textContent = line.dataset.said;
    }
    pointed = run;
  }
  const overPlot = Boolean(run && event.target.closest(".parallel"));
  tip().hidden = !overPlot;
  if (overPlot) {
    tip().style.left = `${Math.min(event.clientX + 16, innerWidth - tip().offsetWidth - 8)}px`;
    tip().style.top = `${event.clientY + 16}px`;
  }
}

function runUnder(event) {
  const row = event.target.closest("tr[data-run]");
  if (row) return row.dataset.run;
  const plot = event.target.closest(".parallel .plot");
  const line = plot && !event.target.closest("a, .brush-area") && nearest(plot, event);
  return line ? line.dataset.run : null;
}

let latest = null;
function look() {
  const event = latest;
  latest = null;
  if (!drag) point(runUnder(event), event);
}

document.addEventListener("pointerdown", (event) => {
  const area = event.target.closest(".brush-area");
  if (!area || event.button || !event.isPrimary) return;
  event.preventDefault();
  point(null, event);
  begin(area, event);
});

document.addEventListener("pointermove", (event) => {
  if (drag) {
    drag.to = placeAt(drag.area, event);
    drag.frame ||= requestAnimationFrame(drawDrag);
  } else if (event.pointerType === "mouse" && document.getElementById("parallel")) {
    if (!latest) requestAnimationFrame(look);
    latest = event;
  }
});

document.addEventListener("pointerup", (event) => drag && finish(event));
document.addEventListener("pointercancel", letGo);

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") letGo();
});

document.addEventListener("dblclick", (event) => {
  const area = event.target.closest(".brush-area");
  if (!area) return;
  const kept = [...new URLSearchParams(location.search)].filter(([name]) => name !== area.dataset.field && name !== "page");
  visit(`${location.pathname}?${new URLSearchParams(kept)}`);
});

document.addEventListener("click", (event) => {
  const plot = event.target.closest(".parallel .plot");
  if (!plot || event.target.closest("a, .brush-area")) return;
  const line = nearest(plot, event);
  if (line) location.assign(`${location.pathname.split("/sweeps/")[0]}/runs/${encodeURIComponent(line.dataset.run)}`);
});
