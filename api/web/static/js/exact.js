// Exact numbers by touch and by keyboard: a long press on a short number, or an arrow key, shows it in full.

// A browser opens the menu of a link after half a second.
const LONG = 400;
let timer = 0;
let shown = null;
// The finger that showed a number does not follow the link below it.
let wasLong = false;

/** The number at a point, also below a link that covers it; of a card its figure. */
function numberAt(event) {
  const below = document.elementsFromPoint(event.clientX, event.clientY);
  const found = below.find((one) => one.matches("[data-exact], .hinted"));
  return found ?? event.target.closest?.(".kpi")?.querySelector("[data-exact], .hinted");
}

function hide() {
  clearTimeout(timer);
  shown?.classList.remove("pressed");
  shown = null;
}

document.addEventListener("pointerdown", (event) => {
  hide();
  wasLong = false;
  const number = event.pointerType === "mouse" ? null : numberAt(event);
  if (!number) return;
  timer = setTimeout(() => {
    shown = number;
    wasLong = true;
    shown.classList.add("pressed");
  }, LONG);
});

// A finger that moves on scrolls the page.
for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => clearTimeout(timer));
document.addEventListener("scroll", hide, { passive: true });

document.addEventListener("contextmenu", (event) => {
  if (wasLong) event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (!wasLong) return;
  wasLong = false;
  event.preventDefault();
  event.stopPropagation();
}, { capture: true });

// Arrow keys go from cell to cell of a table, so that its numbers need no stops of the Tab key.
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PARTS = "a, button, input, [data-exact], .hinted, [title]";

/** The parts of a cell or row that can have the focus, in their order. */
const partsOf = (place) => [...place.querySelectorAll(PARTS)].filter((one) => one.checkVisibility());

/** The first part in the same column of the next row that has one. */
function partBelow(cell, down) {
  const step = down > 0 ? "nextElementSibling" : "previousElementSibling";
  for (let row = cell.parentElement[step]; row; row = row[step]) {
    const [part] = row.children[cell.cellIndex] ? partsOf(row.children[cell.cellIndex]) : [];
    if (part) return part;
  }
  return null;
}

/** Focus a part; a number is named in full for as long as it has the focus. */
function stopAt(part) {
  if (part.tabIndex < 0) {
    const said = { tabindex: "-1", role: "group", "aria-label": part.title };
    for (const [name, value] of Object.entries(said)) part.setAttribute(name, value);
    part.addEventListener("blur", () => Object.keys(said).forEach((name) => part.removeAttribute(name)), { once: true });
  }
  part.focus();
}

document.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  const cell = event.target.closest("tbody td, tbody th");
  const isTyping = event.target.matches("input:not([type=checkbox]), select, textarea");
  if (!step || !cell || isTyping || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const [across, down] = step;
  const all = partsOf(cell.parentElement);
  const next = down ? partBelow(cell, down) : all[all.indexOf(event.target) + across];
  event.preventDefault();
  if (next) stopAt(next);
});
