// Live projections: the server sends the cells that changed, and the script replaces
// them. Controls that can have the focus are outside of the cells.

const place = document.querySelector("[data-stream]");
const says = place.querySelector("[data-stream-says]");
const reload = place.querySelector("[data-stream-reload]");
const source = new EventSource(place.dataset.stream);

// The server sends an event at least every 3 s, even if nothing changed.
const SILENT_MS = 10_000;
const RENEW_MS = 30_000;
let silence = 0;
let isLive = false;
let wasOpen = false;
let wasLost = false;
let renewAt = performance.now() + RENEW_MS;

/** Load the section with the buttons again, because others may apply now. */
function renew(section) {
  if (section.querySelector(":popover-open")) return;
  window.htmx.ajax("GET", window.location.pathname, {
    target: `#${section.id}`,
    select: `#${section.id}`,
    swap: "outerHTML",
  });
}

/** Show that the state on the page may be out of date. */
function forgetHealth() {
  const well = document.getElementById("well");
  well.className = "well unknown";
  well.textContent = "The state of Goatherd is unknown.";
  well.hidden = false;
}

/** Load the state of health, and replace the shown one if it differs. */
async function renewHealth() {
  renewAt = performance.now() + RENEW_MS;
  try {
    const answer = await fetch(window.location.pathname, { headers: { "HX-Request": "true" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!isLive) return;
    for (const id of ["well", "health-problems"]) {
      const now = document.getElementById(id);
      const fresh = page.getElementById(id);
      // A screen reader would read the same text again.
      if (fresh.outerHTML !== now.outerHTML) now.replaceWith(fresh);
    }
  } catch {
    forgetHealth();
  }
}

/** The server sent an event. */
function receive() {
  clearTimeout(silence);
  silence = setTimeout(() => lose("Not live: no update for some seconds."), SILENT_MS);
  if (!isLive) says.textContent = "Live.";
  isLive = true;
  reload.hidden = true;
  if (wasLost || performance.now() > renewAt) renewHealth();
  wasLost = false;
}

/** The state is unknown now. */
function lose(text) {
  clearTimeout(silence);
  isLive = false;
  wasLost = true;
  says.textContent = text;
  forgetHealth();
}

silence = setTimeout(() => lose("Not live: no update for some seconds."), SILENT_MS);
source.addEventListener("unchanged", receive);
source.addEventListener("unavailable", () => lose("Not live: the state cannot be read now."));

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

source.addEventListener("open", () => {
  wasOpen = true;
});

source.addEventListener("error", () => {
  const isOver = source.readyState === EventSource.CLOSED;
  // The server has too many streams, so the page stays as it was loaded.
  if (isOver && !wasOpen) {
    clearTimeout(silence);
    says.textContent = "Not live: this is the state at loading.";
    return;
  }
  lose(isOver ? "No longer live." : "Goatherd cannot be reached now.");
  reload.hidden = !isOver;
});

window.addEventListener("pagehide", () => source.close());
