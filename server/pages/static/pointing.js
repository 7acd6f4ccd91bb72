"use strict";
// Every mark of every chart answers: pointed at, tapped, or reached with the arrows, it says which run it is and its values,
// and the run is shown in all charts and in the table. A click, a second tap or Enter opens it, Space draws its curve.

const REACH_PX = 6;
const FINGER_PX = 18;
const MOST_CHOSEN = 5;
const MOVES = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
let pointedRun = null;
let pointedMark = null;
let byFinger = false;
// Where the arrows are among dots that do not answer by themselves.
let spotAt = null;

function madeOnce(id, attributes) {
  let found = document.getElementById(id);
  if (!found) {
    found = document.createElement("div");
    found.id = id;
    for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
    document.body.append(found);
  }
  return found;
}

function tip() {
  return madeOnce("tip", { "aria-hidden": "true" });
}

// What the keyboard is at is read out; what a pointer passes is not.
function sayAloud(text) {
  madeOnce("pointed-at", { class: "hidden", role: "status" }).textContent = text;
}

function point(mark, run = mark && mark.dataset.run) {
  if (mark === pointedMark && run === pointedRun) return;
  for (const old of document.querySelectorAll("path.hovered")) old.remove();
  for (const old of document.querySelectorAll(".hovered")) old.classList.remove("hovered");
  for (const same of run ? document.querySelectorAll(`[data-run="${CSS.escape(run)}"]`) : []) emphasise(same);
  if (mark && !run) emphasise(mark);
  [pointedRun, pointedMark] = [run || null, mark];
}

// A path is drawn once more over all others of its drawing.
function emphasise(element) {
  if (element.matches("path[data-tip]")) {
    const dot = element.getAttribute("d").endsWith("h0");
    make("path", { class: dot ? "hovered dot" : "hovered", d: element.getAttribute("d") }, element.ownerSVGElement);
  } else if (element.matches(`tr, ${MARK}`)) element.classList.add("hovered");
}

function showTip(mark, x, y) {
  fillTip(tipText(mark, x));
  tip().hidden = false;
  const { offsetWidth, offsetHeight } = tip();
  const left = x + 16 + offsetWidth + 8 > innerWidth ? x - 16 - offsetWidth : x + 16;
  tip().style.left = `${Math.max(left, 8)}px`;
  tip().style.top = `${Math.max(Math.min(y + 16, innerHeight - offsetHeight - 8), 8)}px`;
  if (mark.dataset.run && !mark.matches(LINE)) askMore(mark, () => fillTip(mark.dataset.tip));
}

function fillTip(text) {
  const [first, ...rest] = text.split("\n");
  const head = document.createElement("b");
  head.textContent = first;
  tip().replaceChildren(head, ...rest.flatMap((line) => [document.createElement("br"), line]));
}

function hideTip() {
  tip().hidden = true;
}

function markUnder(event) {
  const chart = event.target.closest(CHART) && chartOf(event.target);
  const mark = event.target.closest(MARK);
  if (mark) return mark;
  if (!chart || event.target.closest("a, button, .brush-area, .handle")) return null;
  const reach = byFinger ? FINGER_PX : REACH_PX;
  const spot = nearestSpot(chart, event.clientX, event.clientY, reach);
  if (spot && !spot.mark) askWhose(spot, showMark);
  return spot ? spot.mark : nearestMark(chart, event.clientX, event.clientY, reach);
}

let latestMove = null;
function lookAtPointer() {
  const event = latestMove;
  latestMove = null;
  leaveSpot();
  const mark = event.target.isConnected ? markUnder(event) : null;
  const row = event.target.closest("tr[data-run]");
  const plot = event.target.closest("svg.plot");
  if (plot) plot.classList.toggle("pointing", Boolean(mark));
  point(mark, row ? row.dataset.run : undefined);
  if (mark) showTip(mark, event.clientX, event.clientY);
  else hideTip();
}

document.addEventListener("pointermove", (event) => {
  if (event.buttons || event.pointerType !== "mouse") return;
  if (!latestMove) requestAnimationFrame(lookAtPointer);
  latestMove = event;
});

document.addEventListener("pointerdown", (event) => (byFinger = event.pointerType !== "mouse"), true);

function addressOf(mark) {
  const link = mark.closest("a[href]") || mark.querySelector("a[href]");
  if (link) return link.getAttribute("href");
  const [, entity, project] = location.pathname.split("/");
  return mark.dataset.run ? `/${entity}/${project}/runs/${encodeURIComponent(mark.dataset.run)}` : null;
}

function openRun(mark, event) {
  const address = addressOf(mark);
  if (address) window.open(address, event.ctrlKey || event.metaKey ? "_blank" : "_self");
}

// Before all others: the first tap on a mark that is a link must not follow it.
document.addEventListener("click", pressedMark, true);

function pressedMark(event) {
  const mark = event.detail ? markUnder(event) : null;
  if (byFinger && mark !== pointedMark) {
    point(mark);
    if (!mark) return hideTip();
    event.preventDefault();
    event.stopPropagation();
    showTip(mark, event.clientX, event.clientY);
  } else if (mark && !event.target.closest("a[href]")) openRun(mark, event);
}

// The chosen runs, this one among them, or no longer; the page says which is one too many.
function chooseRun(run) {
  const row = document.querySelector(`tr[data-run="${CSS.escape(run)}"] a.tick`);
  if (row) return visit(row.href);
  const asked = new URLSearchParams(location.search);
  const lettered = [...document.querySelectorAll(".letters [data-run]")].map((each) => each.dataset.run);
  const named = asked.get("run");
  const runs = named ? named.split(",") : lettered;
  const others = runs.filter((each) => each !== run);
  // Of letters that nobody has chosen, the last one gives way.
  const chosen = others.length < runs.length ? others : [...(named ? runs : runs.slice(0, MOST_CHOSEN - 1)), run];
  asked.set("run", chosen.join());
  return visit(`${location.pathname}?${String(asked).replaceAll("%2C", ",")}`);
}

async function chooseAndStay(chart, run) {
  await chooseRun(run);
  const place = document.getElementById(chart.id);
  const mark = place && marksOf(place).find((each) => each.dataset.run === run);
  if (mark) showMark(mark);
}

function showMark(mark) {
  point(mark);
  showTip(mark, ...placeOf(mark));
}

function stepTo(chart, steps) {
  const spots = spotsOf(chart);
  if (!spots.length) return arriveAt(stepped(marksOf(chart), (mark) => mark === pointedMark, steps));
  spotAt = stepped(spots, (spot) => spot === spotAt, steps);
  askWhose(spotAt, arriveAt);
}

function stepped(places, isHere, steps) {
  const at = places.findIndex(isHere);
  const first = steps < 0 ? places.length - 1 : 0;
  const next = at < 0 ? first : Math.min(Math.max(at + steps, 0), places.length - 1);
  return Number.isFinite(steps) ? places[next] : places.at(steps < 0 ? 0 : -1);
}

function arriveAt(mark) {
  if (!mark) return;
  mark.scrollIntoView({ block: "nearest" });
  showMark(mark);
  sayAloud(tipText(mark).replaceAll("\n", ", "));
}

function keyed(chart, event) {
  const steps = MOVES[event.key];
  const mark = pointedMark && chart.contains(pointedMark) ? pointedMark : null;
  if (steps && mark && stepAlong(mark, steps, event)) sayAloud(tip().textContent);
  else if (steps) stepTo(chart, event.shiftKey ? 10 * steps : steps);
  else if (event.key === "Enter" && mark) openRun(mark, event);
  else if (event.key === " " && mark && mark.dataset.run) chooseAndStay(chart, mark.dataset.run);
  else if (event.key === "Escape" && mark) leaveMark();
  else return;
  event.preventDefault();
}

function leaveMark() {
  point(null);
  hideTip();
}

document.addEventListener("keydown", (event) => {
  if (event.target.matches("[data-charted]") && !event.altKey && !event.ctrlKey) keyed(event.target, event);
});

document.addEventListener("focusin", (event) => {
  const row = event.target.closest("tr[data-run]");
  if (row) point(null, row.dataset.run);
});

document.addEventListener("focusout", (event) => {
  if (event.target.closest("tr[data-run], [data-charted]")) leaveMark();
});

// One stop of the tab key for each chart; its marks are reached from there.
function addStops() {
  for (const mark of document.querySelectorAll(`${MARK}, [data-crowd]`)) {
    const chart = chartOf(mark);
    const link = mark.closest("a[href]");
    if (link) link.setAttribute("tabindex", "-1");
    if (!chart || "charted" in chart.dataset) continue;
    chart.dataset.charted = "";
    chart.setAttribute("tabindex", "0");
    if (!(chart instanceof SVGElement)) continue;
    chart.setAttribute("role", chart.querySelector("a[href], .brush-area") ? "group" : "application");
    chart.setAttribute("aria-roledescription", "chart, arrows go from run to run");
  }
  // What had the focus is found again by its name.
  for (const part of document.querySelectorAll("[data-live]")) {
    part.querySelectorAll("[data-charted]").forEach((chart, number) => (chart.id ||= `${part.id}-chart-${number}`));
  }
}

// The same run is shown in what is new.
document.addEventListener("swapped", () => {
  forgetMarks();
  addStops();
  const [run, chart] = [pointedRun, pointedMark && chartOf(pointedMark)];
  [pointedRun, pointedMark] = [null, null];
  const place = chart && document.getElementById(chart.id);
  const mark = place && run ? marksOf(place).find((each) => each.dataset.run === run) : null;
  if (run) point(mark || null, run);
  if (!mark) hideTip();
});

addStops();
