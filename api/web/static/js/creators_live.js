// Live rows of the list of creators: the server sends the cells that changed.

const MOST = 100;
// The server sends an event at least every 3 s, even if nothing changed.
const SILENT_MS = 10_000;

let source = null;
let address = "";
let silence = 0;
let totals = 0;

/** Say in the list whether its rows are live. */
function say(text) {
  const place = document.querySelector("[data-stream-says]");
  if (place && place.textContent !== text) place.textContent = text;
}

/** The server sent an event. */
function receive() {
  clearTimeout(silence);
  silence = setTimeout(() => say("Not live: no update for some seconds."), SILENT_MS);
  say("Live.");
}

/** Load the sums in the foot again, soon, and once for many changes. */
function renewTotals() {
  clearTimeout(totals);
  totals = setTimeout(async () => {
    const asked = window.location.href;
    const answer = await fetch(asked, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok || asked !== window.location.href) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("totals");
    if (fresh) document.getElementById("totals")?.replaceWith(fresh);
  }, 500);
}

/** Put the cells in their places, except for a cell that somebody is using. */
function draw(cells) {
  let isChanged = false;
  for (const cell of document.querySelectorAll("[data-cell]")) {
    const row = cell.closest("[data-row]");
    const drawn = cells[`${row.dataset.row}.${cell.dataset.cell}`];
    if (drawn === undefined || cell.contains(document.activeElement)) continue;
    const fresh = document.createElement("template");
    fresh.innerHTML = drawn;
    if (fresh.innerHTML === cell.innerHTML) continue;
    isChanged ||= fresh.content.textContent !== cell.textContent;
    cell.replaceChildren(fresh.content);
    // The fingerprint was that of other cells.
    row.dataset.drawn = "";
  }
  if (isChanged) renewTotals();
}

/** Follow the rows that are shown, unless they are followed already. */
function follow() {
  const base = document.querySelector("[data-stream]")?.dataset.stream;
  const rows = [...document.querySelectorAll("[data-row]")].slice(0, MOST);
  const wanted = base && rows.length && !document.hidden ? `${base}&ids=${rows.map((row) => row.dataset.row)}` : "";
  if (wanted === address) {
    if (source) say("Live.");
    return;
  }
  source?.close();
  clearTimeout(silence);
  address = wanted;
  // The server sends only rows that differ from those that it drew in the page.
  source = wanted ? new EventSource(`${wanted}&drawn=${rows.map((row) => row.dataset.drawn)}`) : null;
  source?.addEventListener("cells", (event) => {
    receive();
    draw(JSON.parse(event.data));
  });
  source?.addEventListener("unchanged", receive);
  source?.addEventListener("unavailable", () => say("Not live: the numbers cannot be read now."));
  source?.addEventListener("error", () => {
    clearTimeout(silence);
    say("Not live: the newest numbers come with the next visit.");
    // The server has too many streams, or the session is over: the next visit tries anew.
    if (source.readyState === EventSource.CLOSED) {
      source = null;
      address = "";
    }
  });
}

document.addEventListener("htmx:afterSettle", follow);
document.addEventListener("visibilitychange", follow);
window.addEventListener("pagehide", () => source?.close());
window.addEventListener("pageshow", follow);
follow();
