// Exact numbers by touch: a long press on a short number shows it in full.

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
