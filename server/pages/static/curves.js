"use strict";
// Curves are drawn anew as soon as something is chosen; without this a button asks for it.

document.addEventListener("change", (event) => {
  const form = event.target.closest(".curve-form");
  if (form) form.requestSubmit();
});
