"use strict";
// Dots that are too many to say each whose it is (data-crowd): where they stand is known here, and of the one that is
// pointed at the server tells the rest.

const SETTLED_MS = 60;
const STAYED_MS = 250;
const spotsKept = new WeakMap();
let wantedSpot = null;

// From left to right; several in one place are one.
function spotsOf(chart) {
  if (!spotsKept.has(chart)) {
    const paths = [...chart.querySelectorAll("path[data-crowd]")];
    const spots = paths.flatMap((path) => dotsOf(path).map(([x, y]) => ({ path, x, y, mark: null, asked: false })));
    spots.sort((one, other) => one.x - other.x || one.y - other.y);
    const isNew = ({ x, y }, place) => !place || x !== spots[place - 1].x || y !== spots[place - 1].y;
    spotsKept.set(chart, spots.filter(isNew));
  }
  return spotsKept.get(chart);
}

function dotsOf(path) {
  let [x, y] = [0, 0];
  return [...path.getAttribute("d").matchAll(/m(-?\d+) (-?\d+)/gi)].map(([, dx, dy]) => [(x += Number(dx)), (y += Number(dy))]);
}

function nearestSpot(chart, clientX, clientY, reach) {
  const spots = spotsOf(chart);
  if (!spots.length) return null;
  const { a, d, e, f } = spots[0].path.getScreenCTM();
  let [found, least] = [null, reach];
  for (const spot of spots) {
    const away = Math.hypot(spot.x * a + e - clientX, spot.y * d + f - clientY);
    if (away <= least) [found, least] = [spot, away];
  }
  return found;
}

function leaveSpot() {
  wantedSpot = null;
}

// Calls back with its mark, unless another spot is wanted by then.
async function askWhose(spot, then) {
  wantedSpot = spot;
  if (spot.mark) return then(spot.mark);
  await rest(SETTLED_MS);
  if (wantedSpot !== spot || spot.asked) return;
  spot.asked = true;
  const told = await askServer(`${spot.path.dataset.crowd}&px=${spot.x}&py=${spot.y}`);
  if (!told || !spot.path.isConnected) return;
  const { run, tip } = told.dataset;
  const place = { class: "spot", d: `M${spot.x} ${spot.y}h0` };
  spot.mark = make("path", { ...place, "data-run": run, "data-tip": tip }, spot.path.ownerSVGElement);
  forgetMarks();
  if (wantedSpot === spot) then(spot.mark);
}

async function askServer(query) {
  const address = `${location.pathname}/at${location.search || "?"}&${query}`;
  const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  return answer && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(MARK);
}

// What a drawing does not hold of a run: with what it was made. Asked for when somebody stays at its mark.
async function askMore(mark, then) {
  await rest(STAYED_MS);
  if (pointedMark !== mark || "whole" in mark.dataset || !location.pathname.includes("/sweeps/")) return;
  mark.dataset.whole = "";
  const told = await askServer(`of=${encodeURIComponent(mark.dataset.run)}`);
  if (!told) return;
  const [, ...known] = mark.dataset.tip.split("\n");
  const more = told.dataset.tip.split("\n").slice(1);
  const isNew = (line) => !known.some((each) => line === each || line.endsWith(` ${each}`));
  mark.dataset.tip = [mark.dataset.tip, ...more.filter(isNew)].join("\n");
  if (pointedMark === mark) then(mark);
}
