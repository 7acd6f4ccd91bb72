"use strict";
// Looks for news while something can change, and swaps the parts that did; without it the pages are still whole.

const TRIES_BEFORE_NOTICE = 2;
let failures = 0;
let lastGood = new Date();

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
  if (part.contains(document.activeElement) && document.activeElement !== document.body) return true;
  if (part.dataset.live === "calm" && part.matches(":hover")) return true;
  const selection = document.getSelection();
  return !selection.isCollapsed && part.contains(selection.anchorNode);
}

function sameParts(next) {
  const ids = (main) => [...main.querySelectorAll("[data-live]")].map((part) => part.id).join();
  return ids(document.getElementById("main")) === ids(next);
}

function swap(next) {
  const main = document.getElementById("main");
  if (next.dataset.refreshS) main.dataset.refreshS = next.dataset.refreshS;
  else delete main.dataset.refreshS;
  if (!sameParts(next)) {
    if (!inUse(main)) main.replaceChildren(...next.childNodes);
    return;
  }
  for (const part of main.querySelectorAll("[data-live]")) {
    const fresh = next.querySelector(`#${part.id}`);
    if (part.innerHTML !== fresh.innerHTML && !inUse(part)) keepPlace(part, fresh);
  }
}

function keepPlace(part, fresh) {
  const places = [...part.querySelectorAll("[tabindex]")].map((box) => [box.scrollLeft, box.scrollTop]);
  const open = [...part.querySelectorAll("details")].map((details) => details.open);
  part.replaceChildren(...fresh.childNodes);
  part.querySelectorAll("[tabindex]").forEach((box, number) => places[number] && box.scrollTo(...places[number]));
  part.querySelectorAll("details").forEach((details, number) => (details.open = open[number] || false));
}

async function refresh() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.status === 403) return showStale("You are signed out.");
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    localClocks(page);
    swap(page.getElementById("main"));
    document.title = page.title;
    failures = 0;
    lastGood = new Date();
    document.getElementById("stale").hidden = true;
  } catch {
    failures += 1;
    if (failures >= TRIES_BEFORE_NOTICE) showStale("The server does not answer.");
  }
}

async function loop() {
  const seconds = Number(document.getElementById("main").dataset.refreshS);
  if (!seconds) return;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  if (!document.hidden) await refresh();
  loop();
}

localClocks(document);
loop();
