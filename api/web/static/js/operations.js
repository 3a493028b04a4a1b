// Projections as they move: the server tells which cells changed, and they are put in
// place. What can be focused stands outside of the cells.

const place = document.querySelector("[data-stream]");
const says = place.querySelector("[data-stream-says]");
const reload = place.querySelector("[data-stream-reload]");
const source = new EventSource(place.dataset.stream);

// The server says something every 3 s, if it is only that it has looked.
const SILENT_MS = 10_000;
const RENEW_MS = 30_000;
let silence = 0;
let isHeard = false;
let wasLost = false;
let renewAt = performance.now() + RENEW_MS;

/** Ask for the part that shows what can be done, for something else can be now. */
function renew(part) {
  if (part.querySelector(":popover-open")) return;
  window.htmx.ajax("GET", window.location.pathname, {
    target: `#${part.id}`,
    select: `#${part.id}`,
    swap: "outerHTML",
  });
}

/** Say that nobody knows now what was said when the page was made. */
function forgetHealth() {
  const well = document.getElementById("well");
  well.className = "well unknown";
  well.textContent = "How Goatherd is, is not known just now.";
  well.hidden = false;
}

/** Ask how Goatherd is, and put it in place where it is not there already. */
async function renewHealth() {
  renewAt = performance.now() + RENEW_MS;
  try {
    const answer = await fetch(window.location.pathname, { headers: { "HX-Request": "true" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!isHeard) return;
    for (const id of ["well", "concerns"]) {
      const now = document.getElementById(id);
      const fresh = page.getElementById(id);
      // The same again would be read out again.
      if (fresh.outerHTML !== now.outerHTML) now.replaceWith(fresh);
    }
  } catch {
    forgetHealth();
  }
}

/** The server has looked just now, and said so. */
function hear() {
  clearTimeout(silence);
  silence = setTimeout(() => lose("Not live: nothing was heard for some seconds."), SILENT_MS);
  if (!isHeard) says.textContent = "Live.";
  isHeard = true;
  reload.hidden = true;
  if (wasLost || performance.now() > renewAt) renewHealth();
  wasLost = false;
}

/** What was known is not any more. */
function lose(text) {
  clearTimeout(silence);
  isHeard = false;
  wasLost = true;
  says.textContent = text;
  forgetHealth();
}

silence = setTimeout(() => lose("Not live: nothing was heard for some seconds."), SILENT_MS);
source.addEventListener("looked", hear);
source.addEventListener("unseen", () => lose("Not live: Goatherd cannot look just now."));

source.addEventListener("cells", (event) => {
  hear();
  const cells = JSON.parse(event.data);
  for (const cell of document.querySelectorAll("[data-cell]")) {
    const drawn = cells[cell.dataset.cell];
    if (drawn !== undefined) cell.innerHTML = drawn;
  }
  const part = document.querySelector("[data-stage]");
  const stage = part && cells[part.dataset.stage];
  if (stage !== undefined && stage !== null && stage !== part.dataset.stageWas) renew(part);
});

source.addEventListener("error", () => {
  const isOver = source.readyState === EventSource.CLOSED;
  lose(isOver ? "No longer live." : "Goatherd cannot be reached just now.");
  reload.hidden = !isOver;
});

window.addEventListener("pagehide", () => source.close());
