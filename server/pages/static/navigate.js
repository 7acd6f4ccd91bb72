"use strict";
// Follows links and forms that ask the same page for something else without loading it anew: the address changes, the
// parts are swapped, and what had the focus keeps it. Without it they are ordinary links and forms.

async function show() {
  if (!(await renew())) location.reload();
}

function visit(address) {
  history.pushState(null, "", address);
  return show();
}

function isHere(url) {
  return url.origin === location.origin && url.pathname === location.pathname;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("main a[href]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  // The address of a link in a drawing is an object.
  const url = new URL(link.getAttribute("href"), location.href);
  if (!isHere(url) || url.hash) return;
  event.preventDefault();
  visit(url.href);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  const url = new URL(form.getAttribute("action") || location.href, location.href);
  if (form.method !== "get" || !form.closest("main") || !isHere(url)) return;
  event.preventDefault();
  const asks = [...new FormData(form)].filter(([, text]) => text !== "");
  const menu = form.closest("details");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  visit(`${url.pathname}?${new URLSearchParams(asks)}`);
});

// A menu closes when something else is pressed, and by Escape.
document.addEventListener("pointerdown", (event) => {
  for (const menu of document.querySelectorAll("details:is(.menu, .scheme)[open]")) menu.open = menu.contains(event.target);
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  const menu = event.target.closest("details:is(.menu, .scheme)[open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  const filter = document.getElementById("add-filter");
  if (event.key === "/" && !typing && filter && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    filter.open = true;
    filter.querySelector("select").focus();
  }
});

addEventListener("popstate", show);
