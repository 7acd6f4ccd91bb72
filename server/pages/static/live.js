"use strict";
// Fetches the page again when the server's stream says that there is news, or by the clock where there is no stream, and
// swaps the parts that changed; without it the pages are still whole.

const TRIES_BEFORE_NOTICE = 2;
const FOCUSABLE = "a, button, input, select, summary";
const IN_USE = ":focus-visible:not([data-follows]), :popover-open, details.menu[open]";
// At most two pages a second, and a page that is dear to make takes no more than an eighteenth of the server's time.
const LEAST_REST_MS = 500;
const REST_PER_FETCH = 17;
// "3 m ago" grows old without any news.
const AGEING_S = 30;
// Pages that take a while have parts that are looked at first: they are asked for by themselves.
const FIRST_LOOK = { "X-First-Look": "1" };
let failures = 0;
let lastGood = new Date();
let stream = null;
let news = false;
let wake = () => {};
let heldBack = false;
let asked = 0;
// What is asked for last; an answer that is overtaken need not be made.
let pending = new AbortController();
// The answer to what the reader asked for; news wait for it.
let wish = Promise.resolve();
// The parts as the server wrote them: scripts add to what is shown.
const htmlOf = new WeakMap();

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
  if (part.matches(":focus-visible") || part.querySelector(IN_USE) || readsBack(part) || plays(part)) return true;
  if (part.dataset.live === "calm" && part.matches(":hover")) return true;
  const selection = document.getSelection();
  return !selection.isCollapsed && part.contains(selection.anchorNode);
}

function plays(part) {
  return [...part.querySelectorAll("audio, video")].some((medium) => !medium.paused);
}

// Whoever has scrolled back from the end of what grows there is reading: its lines would move away.
function readsBack(part) {
  const box = part.querySelector("[data-follows]");
  return box !== null && box.scrollTop < -1;
}

function sameParts(next) {
  const ids = (main) => [...main.querySelectorAll("[data-live]")].map((part) => part.id).join();
  return ids(document.getElementById("main")) === ids(next);
}

function remember(main) {
  for (const part of main.querySelectorAll("[data-live]")) htmlOf.set(part, part.innerHTML);
}

// What a hand holds stays as it is, whatever is asked for.
function mayChange(part, everything) {
  const may = !part.querySelector("[data-held]") && (everything || !inUse(part));
  heldBack ||= !may;
  return may;
}

function swap(next, everything) {
  const main = document.getElementById("main");
  const mark = focusMark();
  heldBack = false;
  if (isFirstLook(next)) {
    main.setAttribute("aria-busy", "true");
    swapParts(main, next, everything);
  } else {
    main.removeAttribute("aria-busy");
    swapWhole(main, next, everything);
  }
  document.dispatchEvent(new Event("swapped"));
  focusAgain(mark);
}

function isFirstLook(next) {
  return "firstLook" in next.dataset;
}

function swapWhole(main, next, everything) {
  for (const name of ["refreshS", "state"]) {
    if (next.dataset[name]) main.dataset[name] = next.dataset[name];
    else delete main.dataset[name];
  }
  if (sameParts(next)) swapParts(main, next, everything);
  else if (mayChange(main, everything)) {
    main.replaceChildren(...next.childNodes);
    remember(main);
  }
}

// Where parts are scrolled to is read of all of them before one is changed: a browser would lay the page out for each.
function swapParts(main, next, everything) {
  const parts = [...main.querySelectorAll("[data-live]")].map((part) => [part, next.querySelector(`#${part.id}`)]);
  const written = parts.filter(([, fresh]) => fresh).map(([part, fresh]) => ({ part, fresh, html: fresh.innerHTML }));
  const due = written.filter(({ part, html }) => htmlOf.get(part) !== html && mayChange(part, everything));
  const places = due.map(({ part }) => placesIn(part));
  due.forEach(replacePart);
  due.forEach(({ part }, number) => scrollBack(part, places[number]));
}

function replacePart({ part, fresh, html }) {
  const open = [...part.querySelectorAll("details")].map((details) => details.open);
  const ticked = [...part.querySelectorAll("[form]:checked")].map((box) => box.value);
  part.replaceChildren(...fresh.childNodes);
  part.querySelectorAll("[form]").forEach((box) => (box.checked = ticked.includes(box.value)));
  part.querySelectorAll("details").forEach((details, number) => (details.open = open[number] || false));
  htmlOf.set(part, html);
}

function placesIn(part) {
  return [...part.querySelectorAll("[tabindex]")].map((box) => [box.scrollLeft, box.scrollTop]);
}

function scrollBack(part, places) {
  part.querySelectorAll("[tabindex]").forEach((box, number) => places[number]?.some(Boolean) && box.scrollTo(...places[number]));
}

// Where the focus is, in words that still hold after the parts are new.
function focusMark() {
  const element = document.activeElement;
  const part = element && element.closest("[data-live]");
  if (!part) return null;
  const alike = [...part.querySelectorAll(FOCUSABLE)].filter((other) => other.textContent === element.textContent);
  return { part: part.id, id: element.id, text: element.textContent, place: alike.indexOf(element) };
}

function focusAgain(mark) {
  const part = mark && document.getElementById(mark.part);
  if (!part || part.contains(document.activeElement)) return;
  const alike = [...part.querySelectorAll(FOCUSABLE)].filter((other) => other.textContent === mark.text);
  const found = (mark.id && document.getElementById(mark.id)) || alike[mark.place] || part;
  if (found === part) part.tabIndex = -1;
  found.focus({ preventScroll: true });
}

// Tells whether the page is now what its address says; `everything` also swaps what is in use.
async function refresh(everything = false) {
  const number = ++asked;
  const isLast = () => number === asked;
  pending.abort();
  pending = new AbortController();
  try {
    const whole = await showAnswer(everything ? FIRST_LOOK : {}, everything, isLast);
    return whole === false ? await showAnswer({}, everything, isLast) : whole;
  } catch {
    if (!isLast()) return true;
    failures += 1;
    if (failures >= TRIES_BEFORE_NOTICE) showStale("The server does not answer.");
    return false;
  }
}

// Shows what the server answers; false if that was not all.
async function showAnswer(headers, everything, isLast) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html", ...headers }, signal: pending.signal });
  if (!isLast()) return true;
  if (answer.status === 403) return showStale("You are signed out.");
  if (answer.status === 404) return showStale("What this page shows is deleted.");
  if (!answer.ok) throw new Error(answer.statusText);
  if (answer.redirected) history.replaceState(null, "", answer.url);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!isLast()) return true;
  const next = page.getElementById("main");
  localClocks(page);
  swap(next, everything);
  document.title = page.title;
  failures = 0;
  lastGood = new Date();
  document.getElementById("stale").hidden = true;
  return !isFirstLook(next);
}

function renew() {
  wish = refresh(true);
  return wish;
}

async function wishesMet() {
  for (let last = null; last !== wish; ) {
    last = wish;
    await last;
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
    await wishesMet();
    const begin = performance.now();
    await refresh();
    await rest(Math.max(LEAST_REST_MS, REST_PER_FETCH * (performance.now() - begin)));
  }
}

document.addEventListener("visibilitychange", () => (document.hidden ? hangUp() : heard()));
localClocks(document);
remember(document);
loop();
