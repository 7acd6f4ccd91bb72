"use strict";
// What the scripts of the parallel coordinates share: the drawn lines, and where they meet the axes.

const pointsOf = new WeakMap();

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
