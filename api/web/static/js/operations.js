// Projections as they move: the server tells which cells changed, and they are put in
// place. What can be focused stands outside of the cells.

const place = document.querySelector("[data-stream]");
const says = place.querySelector("[data-stream-says]");
const reload = place.querySelector("[data-stream-reload]");
const source = new EventSource(place.dataset.stream);

/** Ask for the part that shows what can be done, for something else can be now. */
function renew(part) {
  if (part.querySelector(":popover-open")) return;
  window.htmx.ajax("GET", window.location.pathname, {
    target: `#${part.id}`,
    select: `#${part.id}`,
    swap: "outerHTML",
  });
}

source.addEventListener("open", () => {
  says.textContent = "Live.";
  reload.hidden = true;
});

source.addEventListener("cells", (event) => {
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
  says.textContent = isOver ? "No longer live." : "Goatherd cannot be reached just now.";
  reload.hidden = !isOver;
});

window.addEventListener("pagehide", () => source.close());
