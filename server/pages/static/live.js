"use strict";
// Fetches the page again when the server's stream says that there is news, or by the clock where there is no stream, and
// swaps the parts that changed; without it the pages are still whole.

const TRIES_BEFORE_NOTICE = 2;
// At most two pages a second, and a page that is dear to make takes no more than a tenth of the server's time.
const LEAST_REST_MS = 500;
const REST_PER_FETCH = 9;
// "3 m ago" grows old without any news.
const AGEING_S = 30;
let failures = 0;
let lastGood = new Date();
let stream = null;
let news = false;
let wake = () => {};
let heldBack = false;
let asked = 0;

function clock(date, seconds) {
  const two = "2-digit";
  return date.toLocaleTimeString([], { hour: two, minute: two, second: seconds ? two : undefined, hourCycle: "h23" });
}

// The server writes times of day in its own zone, which in a container is seldom the reader's.
function localClocks(root) {
  for (const time of root.querySelectorAll("time[data-clock]")) {
    time.textContent = clock(new Date(time.dateTime), time.dataset.clock === "seconds");
  }
}

function showStale(reason) {
  const notice = document.getElementById("stale");
  notice.textContent = `${reason} What you see is from ${clock(lastGood, true)}.`;
  notice.hidden = false;
}

function inUse(part) {
  if (part.querySelector("[data-held]")) return true;
  if (part.contains(document.activeElement) && document.activeElement !== document.body) return true;
  if (part.dataset.live === "calm" && part.matches(":hover")) return true;
  const selection = document.getSelection();
  return !selection.isCollapsed && part.contains(selection.anchorNode);
}

function sameParts(next) {
  const ids = (main) => [...main.querySelectorAll("[data-live]")].map((part) => part.id).join();
  return ids(document.getElementById("main")) === ids(next);
}

function swap(next, everything) {
  const main = document.getElementById("main");
  for (const name of ["refreshS", "state"]) {
    if (next.dataset[name]) main.dataset[name] = next.dataset[name];
    else delete main.dataset[name];
  }
  if (!sameParts(next)) {
    heldBack = !everything && inUse(main);
    if (!heldBack) main.replaceChildren(...next.childNodes);
    return;
  }
  heldBack = false;
  for (const part of main.querySelectorAll("[data-live]")) {
    const fresh = next.querySelector(`#${part.id}`);
    if (part.innerHTML === fresh.innerHTML) continue;
    if (!everything && inUse(part)) heldBack = true;
    else keepPlace(part, fresh);
  }
}

function keepPlace(part, fresh) {
  const places = [...part.querySelectorAll("[tabindex]")].map((box) => [box.scrollLeft, box.scrollTop]);
  const open = [...part.querySelectorAll("details")].map((details) => details.open);
  part.replaceChildren(...fresh.childNodes);
  part.querySelectorAll("[tabindex]").forEach((box, number) => places[number] && box.scrollTo(...places[number]));
  part.querySelectorAll("details").forEach((details, number) => (details.open = open[number] || false));
}

// Tells whether the page is now what its address says; `everything` also swaps what is in use.
async function refresh(everything = false) {
  const number = ++asked;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (number !== asked) return true;
    if (answer.status === 403) return showStale("You are signed out.");
    if (!answer.ok) throw new Error(answer.statusText);
    if (answer.redirected) history.replaceState(null, "", answer.url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (number !== asked) return true;
    localClocks(page);
    swap(page.getElementById("main"), everything);
    document.title = page.title;
    failures = 0;
    lastGood = new Date();
    document.getElementById("stale").hidden = true;
    return true;
  } catch {
    if (number !== asked) return true;
    failures += 1;
    if (failures >= TRIES_BEFORE_NOTICE) showStale("The server does not answer.");
    return false;
  }
}

function heard() {
  news = true;
  wake();
}

// A hidden page listens to nothing: browsers keep few connections to one server, for all of its pages together.
function listen() {
  if (document.hidden || stream) return;
  const state = document.getElementById("main").dataset.state;
  stream = new EventSource(`/events?since=${encodeURIComponent(state)}`);
  stream.onmessage = heard;
  stream.onerror = () => {
    if (stream && stream.readyState === EventSource.CLOSED) hangUp();
  };
}

function hangUp() {
  if (stream) stream.close();
  stream = null;
}

function rest(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

// Parts that were in use are tried again by the clock, as if there were no stream.
async function somethingToDo(seconds) {
  const streaming = stream && stream.readyState === EventSource.OPEN && !heldBack;
  if (!news) await Promise.race([new Promise((resolve) => (wake = resolve)), rest((streaming ? AGEING_S : seconds) * 1000)]);
  news = false;
}

async function loop() {
  for (;;) {
    const seconds = Number(document.getElementById("main").dataset.refreshS);
    if (!seconds) return hangUp();
    listen();
    await somethingToDo(seconds);
    if (document.hidden) continue;
    const begin = performance.now();
    await refresh();
    await rest(Math.max(LEAST_REST_MS, REST_PER_FETCH * (performance.now() - begin)));
  }
}

document.addEventListener("visibilitychange", () => (document.hidden ? hangUp() : heard()));
localClocks(document);
loop();
