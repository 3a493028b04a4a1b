// Projections as they move: the server tells which cells changed, and they are put in
// place. What can be focused stands outside of the cells.

const place = document.querySelector("[data-stream]");
const says = place.querySelector("[data-stream-says]");
const reload = place.querySelector("[data-stream-reload]");
const source = new EventSource(place.dataset.stream);

// The server sends an event at least every 3 s, even if nothing changed.
const SILENT_MS = 10_000;
const RENEW_MS = 30_000;
let silence = 0;
let isLive = false;
let wasLost = false;
let renewAt = performance.now() + RENEW_MS;

/** Load the section with the buttons anew: others may be possible now. */
function renew(section) {
  if (section.querySelector(":popover-open")) return;
  window.htmx.ajax("GET", window.location.pathname, {
    target: `#${section.id}`,
    select: `#${section.id}`,
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
    if (!isLive) return;
    for (const id of ["well", "health-problems"]) {
      const now = document.getElementById(id);
      const fresh = page.getElementById(id);
      // The same again would be read out again.
      if (fresh.outerHTML !== now.outerHTML) now.replaceWith(fresh);
    }
  } catch {
    forgetHealth();
  }
}

/** The server sent an event. */
function receive() {
  clearTimeout(silence);
  silence = setTimeout(() => lose("Not live: nothing was heard for some seconds."), SILENT_MS);
  if (!isLive) says.textContent = "Live.";
  isLive = true;
  reload.hidden = true;
  if (wasLost || performance.now() > renewAt) renewHealth();
  wasLost = false;
}

/** What was known is not any more. */
function lose(text) {
  clearTimeout(silence);
  isLive = false;
  wasLost = true;
  says.textContent = text;
  forgetHealth();
}

silence = setTimeout(() => lose("Not live: nothing was heard for some seconds."), SILENT_MS);
source.addEventListener("unchanged", receive);
source.addEventListener("unavailable", () => lose("Not live: Goatherd cannot look just now."));

source.addEventListener("cells", (event) => {
  receive();
  const cells = JSON.parse(event.data);
  for (const cell of document.querySelectorAll("[data-cell]")) {
    const drawn = cells[cell.dataset.cell];
    if (drawn !== undefined) cell.innerHTML = drawn;
  }
  const section = document.querySelector("[data-stage]");
  const stage = section && cells[section.dataset.stage];
  if (stage !== undefined && stage !== null && stage !== section.dataset.stageWas) renew(section);
});

source.addEventListener("error", () => {
  const isOver = source.readyState === EventSource.CLOSED;
  lose(isOver ? "No longer live." : "Goatherd cannot be reached just now.");
  reload.hidden = !isOver;
});

window.addEventListener("pagehide", () => source.close());
