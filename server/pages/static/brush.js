"use strict";
// A range drawn along an axis of the parallel coordinates greys at once what it leaves out, and when it is let go asks for
// the runs within it.

const LEAST_DRAG_PX = 4;
// Of an axis: a range that ends so close to the axis' own end has no end there.
const OPEN_END = 0.01;
const BOX_PX = 18;
const GRIP_PX = [12, 5];

// The range in hand: an axis' area, the two ends, and what of the address it replaces.
let hold = null;

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
  if (!dragged(event)) return;
  hold.ends[1] = { place: placeAt(hold.area, event) };
  if (Math.abs(event.clientY - hold.startY) >= LEAST_DRAG_PX || hold.moved) {
    hold.moved = true;
    redraw();
  }
});

document.addEventListener("pointerup", (event) => {
  if (!dragged(event)) return;
  if (hold.moved) ask();
  else letGo();
});

document.addEventListener("pointercancel", (event) => dragged(event) && letGo());

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.target.closest(".handle")) letGo();
});

document.addEventListener("dblclick", (event) => {
  const area = event.target.closest(".brush-area");
  if (area) clear(area);
});

function stay(event) {
  event.preventDefault();
}

// Within drawings Chromium does not heed touch-action, and would scroll.
function keepStill() {
  for (const area of document.querySelectorAll(".brush-area")) area.addEventListener("touchmove", stay, { passive: false });
}

document.addEventListener("swapped", keepStill);
keepStill();
