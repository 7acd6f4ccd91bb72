"use strict";
// Parallel coordinates under a hand: a range drawn along an axis with a pointer, or set with the keys of its two handles,
// greys at once what it leaves out, and at its end asks for the rest; a line or a row that is pointed at shows its run.

const SVG = "http://www.w3.org/2000/svg";
const LEAST_DRAG_PX = 4;
const NEAR_PX = 6;
// Of an axis: a range that ends so close to the axis' own end has no end there.
const OPEN_END = 0.01;
const BOX_PX = 18;
const GRIP_PX = [12, 5];
const STEP = 1 / 50;
const STEPS = {
  ArrowUp: 1,
  ArrowRight: 1,
  ArrowDown: -1,
  ArrowLeft: -1,
  PageUp: 10,
  PageDown: -10,
  Home: -Infinity,
  End: Infinity,
};

const pointsOf = new WeakMap();
// The range in hand: an axis' area, the two ends, and what of the address it replaces.
let hold = null;
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
  return within(1 - (event.clientY - box.top) / box.height);
}

function within(place) {
  return Math.min(Math.max(place, 0), 1);
}

function query() {
  return new URLSearchParams(location.search);
}

// Two ends, the lower one first: the place of each, and the text that it has in the address.
function endsOf(axis, text) {
  const open = axis.value(0) <= axis.value(1) ? [0, 1] : [1, 0];
  const place = (end, side) => (end ? within(axis.place(Number(end))) : open[side]);
  const ends = text.split("..").map((end, side) => ({ place: place(end, side), text: end }));
  return ends.sort((one, other) => one.place - other.place);
}

function isRange(text) {
  return text.includes("..") && !text.split("..").some(isNaN);
}

function rangesOf(area) {
  const ranges = query().getAll(area.dataset.field).filter(isRange);
  return ranges.map((text) => ({ text, ends: endsOf(axisOf(area), text) }));
}

// An end that a hand has moved has no text yet.
function said(axis, end) {
  if (end.text !== undefined) return end.text;
  return end.place < OPEN_END || end.place > 1 - OPEN_END ? "" : written(axis, end.place);
}

function make(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}

// The server's drawing of a range of the address.
function boxOf(area, text) {
  const boxes = [];
  for (let box = area.previousElementSibling; box && box.matches(".range"); box = box.previousElementSibling) {
    boxes.unshift(box);
  }
  return boxes[rangesOf(area).findIndex((range) => range.text === text)];
}

function take(area, ends, replaces, more) {
  const plot = area.closest(".plot");
  const axis = axisOf(area);
  const drawn = boxOf(area, replaces);
  if (drawn) drawn.classList.add("replaced");
  const group = make("g", { "data-held": "" }, area.parentNode);
  area.before(group);
  const kept = query().getAll(area.dataset.field).filter((text) => text !== replaces);
  const others = kept.map((text) => endsOf(axis, isRange(text) ? text : `${text}..${text}`));
  hold = { area, group, axis, ends, replaces, others, drawn, plot, gaps: gaps(plot), frame: 0, ...more };
}

function redraw() {
  hold.frame ||= requestAnimationFrame(draw);
}

function draw() {
  if (!hold) return;
  hold.frame = 0;
  const { group, axis, plot } = hold;
  const ends = [...hold.ends].sort((one, other) => one.place - other.place);
  group.replaceChildren();
  drawBox(group, axis, ends);
  const at = Math.round((axis.x * hold.gaps) / 100);
  const ranges = [ends, ...hold.others].map((each) => each.map((end) => axis.height * (1 - end.place)));
  const holds = (line) => {
    const y = points(line, hold.gaps).get(at);
    return ranges.some(([foot, top]) => top - 0.5 <= y && y <= foot + 0.5);
  };
  const chosen = [...chosenLines(plot), ...plot.querySelectorAll(".best-line")];
  for (const line of chosen) line.classList.toggle("out", !holds(line));
  if (alone(hold.area.dataset.field)) {
    for (const line of plot.querySelectorAll(".lines.context path[data-run]")) line.classList.toggle("in", holds(line));
  }
}

function drawBox(group, axis, ends) {
  const x = `${axis.x}%`;
  const [foot, top] = ends.map((end) => axis.height * (1 - end.place));
  const box = { class: "brush", x, y: top, width: BOX_PX, height: Math.max(foot - top, 1), rx: 4 };
  make("rect", { ...box, transform: `translate(${-BOX_PX / 2})` }, group);
  for (const end of ends) {
    const y = axis.height * (1 - end.place);
    const [width, height] = GRIP_PX;
    const grip = { class: "grip", x, y: y - height / 2, width, height, rx: 2 };
    make("rect", { ...grip, transform: `translate(${-width / 2})` }, group);
    const label = make("text", { class: "plate", x, dx: 13, y, dy: "0.35em" }, group);
    label.textContent = end.text || written(axis, end.place);
  }
}

// Whether all that is left out is left out by this field: then what comes in again is known too.
function alone(field) {
  return ![...query().keys()].some((name) => name !== field && /^(f\..*|m|top|state)$/.test(name));
}

function tidy({ group, drawn, plot, frame }) {
  cancelAnimationFrame(frame);
  group.remove();
  if (drawn) drawn.classList.remove("replaced");
  for (const line of plot.querySelectorAll("path.out, path.in")) line.classList.remove("out", "in");
}

function letGo() {
  if (!hold) return;
  const held = hold;
  hold = null;
  tidy(held);
  if (heldBack) renew();
}

// The box stays until the answer is there, but no longer in hand.
async function ask() {
  const held = hold;
  hold = null;
  const { area, axis, replaces } = held;
  const byValue = held.ends.sort((one, other) => axis.value(one.place) - axis.value(other.place));
  const ends = byValue.map((end) => said(axis, end));
  const { field } = area.dataset;
  const pairs = [...query()];
  const old = pairs.findIndex(([name, text]) => name === field && text === replaces);
  const range = ends[0] || ends[1] ? [[field, ends.join("..")]] : [];
  pairs.splice(old < 0 ? pairs.length : old, old < 0 ? 0 : 1, ...range);
  held.group.removeAttribute("data-held");
  await visitQuery(pairs);
  tidy(held);
}

function clear(area) {
  return visitQuery([...query()].filter(([name]) => name !== area.dataset.field));
}

function visitQuery(pairs) {
  const text = String(new URLSearchParams(pairs.filter(([name]) => name !== "page")));
  return visit(text ? `${location.pathname}?${text}` : location.pathname);
}

// A drag that begins at an end of a range moves that end; within one, it draws that range anew; elsewhere, one more.
function grab(area, event) {
  const place = placeAt(area, event);
  const drag = { pointer: event.pointerId, startY: event.clientY };
  const near = (2 * GRIP_PX[1]) / axisOf(area).height;
  const ranges = rangesOf(area);
  for (const { text, ends } of ranges) {
    const end = ends.findIndex((each) => Math.abs(each.place - place) <= near);
    if (end >= 0) return take(area, [ends[1 - end], { place }], text, drag);
  }
  const around = ranges.find(({ ends }) => ends[0].place <= place && place <= ends[1].place);
  take(area, [{ place }, { place }], around && around.text, drag);
}

function sliderName(area, word) {
  const { field } = area.dataset;
  const option = document.querySelector(`#filter-field option[value="${CSS.escape(field)}"]`);
  return `${option ? option.textContent : field.replace(/^f\./, "")}, ${word} end of the range`;
}

// Each axis has two sliders for the keyboard: they are the ends of its first range, or of the whole axis.
function addHandles() {
  for (const area of document.querySelectorAll(".brush-area")) {
    if (area.nextElementSibling && area.nextElementSibling.matches(".handle")) continue;
    const axis = axisOf(area);
    const words = axis.value(0) <= axis.value(1) ? ["lower", "upper"] : ["upper", "lower"];
    area.after(...words.map((word) => handle(area, word)));
    setHandles(area, firstRange(area).ends);
    // Within drawings Chromium does not heed touch-action, and would scroll.
    area.addEventListener("touchmove", (event) => event.preventDefault(), { passive: false });
  }
}

function handle(area, word) {
  const axis = axisOf(area);
  const form = area.closest(".parallel").classList.contains("wide") ? "wide" : "narrow";
  const ends = [axis.value(0), axis.value(1)];
  const [width, height] = GRIP_PX;
  const place = { x: `${axis.x}%`, width, height, rx: 2, transform: `translate(${-width / 2} ${-height / 2})` };
  const told = {
    role: "slider",
    tabindex: 0,
    "aria-label": sliderName(area, word),
    "aria-orientation": "vertical",
    "aria-valuemin": Math.min(...ends),
    "aria-valuemax": Math.max(...ends),
  };
  const id = `${form}-${area.dataset.field}-${word}`;
  return make("rect", { id, class: "handle", ...place, ...told }, area.parentNode);
}

function firstRange(area) {
  return rangesOf(area)[0] || { ends: endsOf(axisOf(area), "..") };
}

function handlesOf(area) {
  return [area.nextElementSibling, area.nextElementSibling.nextElementSibling];
}

function setHandles(area, ends) {
  const axis = axisOf(area);
  handlesOf(area).forEach((handle, side) => {
    const end = ends[side];
    const text = said(axis, end);
    handle.setAttribute("y", axis.height * (1 - end.place));
    handle.setAttribute("aria-valuenow", text || axis.value(end.place));
    handle.setAttribute("aria-valuetext", text || `no end, ${written(axis, end.place)}`);
  });
}

function areaOf(handle) {
  const before = handle.previousElementSibling;
  return before.matches(".brush-area") ? before : before.previousElementSibling;
}

function move(handle, steps) {
  const area = areaOf(handle);
  if (!hold) {
    const { text, ends } = firstRange(area);
    take(area, ends, text, { pointer: null });
  }
  const side = handlesOf(area).indexOf(handle);
  const other = hold.ends[1 - side].place;
  const place = within(hold.ends[side].place + steps * STEP);
  hold.ends[side] = { place: side ? Math.max(place, other) : Math.min(place, other) };
  setHandles(area, hold.ends);
  redraw();
}

function putBack(area) {
  letGo();
  if (area.isConnected) setHandles(area, firstRange(area).ends);
}

function pressed(handle, event) {
  const steps = STEPS[event.key];
  if (steps) move(handle, event.shiftKey ? 10 * steps : steps);
  else if (event.key === "Enter" && hold) ask();
  else if (event.key === "Delete" || event.key === "Backspace") {
    putBack(areaOf(handle));
    clear(areaOf(handle));
  } else if (event.key !== "Escape") return;
  else putBack(areaOf(handle));
  event.preventDefault();
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
  const overPlot = Boolean(run && event && event.target.closest(".parallel"));
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
  if (plot) plot.classList.toggle("pointing", Boolean(line));
  return line ? line.dataset.run : null;
}

let latest = null;
function look() {
  const event = latest;
  latest = null;
  if (!hold) point(runUnder(event), event);
}

document.addEventListener("pointerdown", (event) => {
  const area = event.target.closest(".brush-area");
  if (!area || event.button || !event.isPrimary) return;
  event.preventDefault();
  point(null);
  letGo();
  grab(area, event);
  area.setPointerCapture(event.pointerId);
});

function dragged(event) {
  return hold && hold.pointer === event.pointerId;
}

document.addEventListener("pointermove", (event) => {
  if (dragged(event)) {
    hold.ends[1] = { place: placeAt(hold.area, event) };
    if (Math.abs(event.clientY - hold.startY) >= LEAST_DRAG_PX || hold.moved) {
      hold.moved = true;
      redraw();
    }
  } else if (event.pointerType === "mouse" && document.getElementById("parallel")) {
    if (!latest) requestAnimationFrame(look);
    latest = event;
  }
});

document.addEventListener("pointerup", (event) => {
  if (!dragged(event)) return;
  if (hold.moved) ask();
  else letGo();
});

document.addEventListener("pointercancel", (event) => dragged(event) && letGo());

document.addEventListener("keydown", (event) => {
  const handle = event.target.closest(".handle");
  if (handle && !event.ctrlKey && !event.metaKey && !event.altKey) pressed(handle, event);
  else if (event.key === "Escape") letGo();
});

document.addEventListener("focusin", (event) => {
  const row = event.target.closest("tr[data-run]");
  if (row) point(row.dataset.run);
});

document.addEventListener("focusout", (event) => {
  const handle = event.target.closest(".handle");
  const area = handle && handle.isConnected && areaOf(handle);
  if (area && hold && hold.area === area && !handlesOf(area).includes(event.relatedTarget)) putBack(area);
  else if (event.target.closest("tr[data-run]")) point(null);
});

document.addEventListener("swapped", () => {
  addHandles();
  const run = pointed;
  pointed = null;
  if (run) point(run);
});

document.addEventListener("dblclick", (event) => {
  const area = event.target.closest(".brush-area");
  if (area) clear(area);
});

document.addEventListener("click", (event) => {
  const plot = event.target.closest(".parallel .plot");
  if (!plot || event.target.closest("a, .brush-area")) return;
  const line = nearest(plot, event);
  if (line) location.assign(`${location.pathname.split("/sweeps/")[0]}/runs/${encodeURIComponent(line.dataset.run)}`);
});

addHandles();
