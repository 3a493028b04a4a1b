// The list of creators: what is selected, and the bar of what can be done with it.

const MOST = 100;

/** The boxes of all creators that are shown. */
const boxes = () => [...document.querySelectorAll('#rows input[name="creator_ids"]')];

/** Show how many are selected, and only what can be done with one of them. */
function count() {
  const bar = document.getElementById("bar");
  if (!bar) return;
  const all = document.getElementById("all");
  const shown = boxes();
  const picked = shown.filter((box) => box.checked);
  document.getElementById("pick-all").hidden = false;
  all.checked = picked.length > 0 && picked.length === shown.length;
  all.indeterminate = picked.length > 0 && picked.length < shown.length;
  bar.hidden = picked.length === 0;
  document.getElementById("none").hidden = false;
  const isTooMany = picked.length > MOST;
  const words = picked.length === 1 ? "1 creator" : `${picked.length} creators`;
  document.getElementById("count").textContent = isTooMany ? `${words} selected: at most ${MOST} at a time` : `${words} selected`;
  const statuses = new Set(picked.map((box) => box.dataset.status));
  for (const button of bar.querySelectorAll("[data-for]")) {
    button.hidden = !button.dataset.for.split(" ").some((status) => statuses.has(status));
    button.disabled = isTooMany;
  }
  for (const place of document.querySelectorAll('[data-shows="count"]')) place.textContent = words;
  for (const place of document.querySelectorAll('[data-shows="names"]')) {
    const names = picked.map((box) => box.dataset.name);
    place.textContent = names.slice(0, 12).join(" ") + (names.length > 12 ? ` and ${names.length - 12} more` : "");
  }
}

document.addEventListener("change", (event) => {
  if (event.target.id === "all") for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.closest("#selection")) count();
});
document.addEventListener("reset", () => setTimeout(count));
window.addEventListener("pageshow", count);

// A button that asks first opens its dialog; without this script a page asks.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-asks]");
  if (!button) return;
  event.preventDefault();
  document.getElementById(button.dataset.asks).showModal();
});

// Addresses say what was asked for, and nothing of what was not.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.id !== "filters") return;
  const asked = event.detail.parameters;
  for (const name of Object.keys(asked)) if (asked[name] === "") delete asked[name];
});

// Whoever showed more goes on reading at the first of them.
let shownBefore = 0;
document.addEventListener("htmx:beforeSwap", (event) => {
  shownBefore = event.detail.target.id === "rows" ? document.querySelectorAll("#rows > tr").length : 0;
});
document.addEventListener("htmx:afterSettle", (event) => {
  count();
  if (shownBefore && event.detail.target.id === "rows") {
    const rows = document.querySelectorAll("#rows > tr");
    rows[shownBefore]?.querySelector(".who a").focus();
    document.getElementById("found").textContent = `${rows.length - shownBefore} more, ${rows.length} creators shown.`;
  }
  shownBefore = 0;
});

count();
