"use strict";
// Lets each chart of a page be saved as it is drawn: as SVG with its colours written into it, and as PNG made of that.
// Nothing is asked of anybody: a file is a blob of this page.

const LEAST_PX = [120, 60];
const PNG_SCALE = 2;
const EDGE_PX = 8;
const KEPT = [
  ...["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap"],
  ...["stroke-linejoin", "opacity", "paint-order", "font-family", "font-size", "font-weight", "text-anchor"],
  ...["dominant-baseline", "display", "visibility", "overflow", "vector-effect"],
];

// Those that can be seen: a chart may stand twice in a page, for wide and for narrow.
function charts() {
  return [...document.querySelectorAll("main section.panel svg:not(.icon, svg svg)")].filter((svg) => {
    const box = svg.getBoundingClientRect();
    return box.width >= LEAST_PX[0] && box.height >= LEAST_PX[1];
  });
}

function nameOf(svg) {
  const caption = svg.closest("figure")?.querySelector("figcaption > [title]")?.textContent.trim();
  const title = svg.closest("section.panel").querySelector("h2")?.textContent.trim();
  return caption || title || "Chart";
}

// Every name once, so that no file takes another one's place.
function named(found) {
  const used = new Map();
  return found.map((svg) => {
    const name = nameOf(svg);
    used.set(name, (used.get(name) || 0) + 1);
    return [used.get(name) > 1 ? `${name} ${used.get(name)}` : name, svg];
  });
}

// A stroke that does not grow with its drawing does not with a picture of it, either: so it is made wider.
function writeStyles(from, to, scale) {
  const style = getComputedStyle(from);
  for (const property of KEPT) to.setAttribute(property, style.getPropertyValue(property));
  if (style.vectorEffect === "non-scaling-stroke") {
    const wider = (text) => text.replace(/[\d.]+/g, (number) => number * scale);
    for (const name of ["stroke-width", "stroke-dasharray"]) to.setAttribute(name, wider(to.getAttribute(name)));
  }
  for (const name of ["class", "style", "tabindex"]) to.removeAttribute(name);
  for (let place = 0; place < from.children.length; place += 1) writeStyles(from.children[place], to.children[place], scale);
}

// Labels of axes stand outside of a drawing's own box: how far, to the left, top, right and below.
function margins(svg) {
  const own = svg.getBoundingClientRect();
  const limit = svg.closest("section.panel").getBoundingClientRect();
  const sides = [0, 0, 0, 0];
  for (const element of svg.querySelectorAll("text, circle, line, path, rect")) {
    const box = element.getBoundingClientRect();
    if (!box.width && !box.height) continue;
    const beyond = [
      own.left - Math.max(box.left, limit.left),
      own.top - Math.max(box.top, limit.top),
      Math.min(box.right, limit.right) - own.right,
      Math.min(box.bottom, limit.bottom) - own.bottom,
    ];
    beyond.forEach((far, side) => (sides[side] = Math.max(sides[side], far)));
  }
  return sides.map((far) => Math.ceil(far) + EDGE_PX);
}

function element(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

function standalone(svg, scale) {
  const box = svg.getBoundingClientRect();
  const [left, top, right, bottom] = margins(svg);
  const [width, height] = [box.width + left + right, box.height + top + bottom];
  const copy = svg.cloneNode(true);
  writeStyles(svg, copy, scale);
  for (const [name, value] of Object.entries({ x: left, y: top, width: box.width, height: box.height })) {
    copy.setAttribute(name, value);
  }
  const whole = element("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
  const fill = getComputedStyle(svg.closest("section.panel")).backgroundColor;
  whole.append(element("rect", { width, height, fill }), copy);
  return { text: new XMLSerializer().serializeToString(whole), width, height };
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function saveSvg(svg, name) {
  save(new Blob([standalone(svg, 1).text], { type: "image/svg+xml" }), `${name}.svg`);
}

async function savePng(svg, name) {
  const { text, width, height } = standalone(svg, PNG_SCALE);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.ceil(width * PNG_SCALE), Math.ceil(height * PNG_SCALE)];
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => save(blob, `${name}.png`), "image/png");
}

function button(word, name, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button";
  made.textContent = word;
  made.setAttribute("aria-label", `Save ${name} as ${word}`);
  made.addEventListener("click", act);
  return made;
}

// A chart is looked up when its button is pressed: the page may have drawn it anew.
function choose(name, act) {
  return () => {
    const [, svg] = named(charts()).find(([other]) => other === name) || [];
    if (svg) act(svg, name.replace(/[^\w.-]+/g, "-"));
  };
}

function list() {
  const taken = document.getElementById("taken-charts");
  if (!taken) return;
  const names = named(charts()).map(([name]) => name);
  if (taken.dataset.names === names.join("\n")) return;
  taken.dataset.names = names.join("\n");
  taken.replaceChildren(
    ...names.map((name) => {
      const item = document.createElement("li");
      const label = document.createElement("span");
      label.textContent = name;
      item.append(label, button("SVG", name, choose(name, saveSvg)), button("PNG", name, choose(name, savePng)));
      return item;
    }),
  );
  (taken.closest(".charts-away") || taken).hidden = !names.length;
}

document.addEventListener("swapped", list);
addEventListener("resize", list);
list();
