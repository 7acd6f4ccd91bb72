"use strict";
// The keyboard's way to a range: each axis has two sliders, the ends of its first range or of the whole axis. Arrows move
// one, Shift moves it ten steps, Enter asks for the runs within, Delete drops the axis' ranges, Escape gives up.

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

function sliderName(area, word) {
  const { field } = area.dataset;
  const option = document.querySelector(`#filter-field option[value="${CSS.escape(field)}"]`);
  return `${option ? option.textContent : field.replace(/^f\./, "")}, ${word} end of the range`;
}

function addHandles() {
  for (const area of document.querySelectorAll(".brush-area")) {
    if (area.nextElementSibling && area.nextElementSibling.matches(".handle")) continue;
    const axis = axisOf(area);
    const words = axis.value(0) <= axis.value(1) ? ["lower", "upper"] : ["upper", "lower"];
    area.after(...words.map((word) => handle(area, word)));
    setHandles(area, firstRange(area).ends);
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

document.addEventListener("keydown", (event) => {
  const handle = event.target.closest(".handle");
  if (handle && !event.ctrlKey && !event.metaKey && !event.altKey) pressed(handle, event);
});

document.addEventListener("focusout", (event) => {
  const handle = event.target.closest(".handle");
  const area = handle && handle.isConnected && areaOf(handle);
  if (area && hold && hold.area === area && !handlesOf(area).includes(event.relatedTarget)) putBack(area);
});

document.addEventListener("swapped", addHandles);
addHandles();
