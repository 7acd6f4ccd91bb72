"use strict";
// A line, or a row of the table, that is pointed at shows which run it is in both, and a click on a line opens its run.

const NEAR_PX = 6;
let pointed = null;

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

document.addEventListener("pointermove", (event) => {
  if (hold || event.pointerType !== "mouse" || !document.getElementById("parallel")) return;
  if (!latest) requestAnimationFrame(look);
  latest = event;
});

document.addEventListener("focusin", (event) => {
  const row = event.target.closest("tr[data-run]");
  if (row) point(row.dataset.run);
});

document.addEventListener("focusout", (event) => {
  if (event.target.closest("tr[data-run]")) point(null);
});

document.addEventListener("swapped", () => {
  const run = pointed;
  pointed = null;
  if (run) point(run);
});

document.addEventListener("click", (event) => {
  const plot = event.target.closest(".parallel .plot");
  if (!plot || event.target.closest("a, .brush-area")) return;
  const line = nearest(plot, event);
  if (line) location.assign(`${location.pathname.split("/sweeps/")[0]}/runs/${encodeURIComponent(line.dataset.run)}`);
});
