// Lists that filters narrow and "Show more" lengthens.

import { onFirst } from "./app.js";

// Empty filters are left out of the address.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.id !== "filters") return;
  const parameters = event.detail.parameters;
  // Own dates and a named period exclude each other; the usual period needs no name.
  if (parameters.period === "custom") delete parameters.period;
  else for (const name of ["from", "to"]) delete parameters[name];
  if (parameters.period === event.detail.elt.dataset.usualPeriod) delete parameters.period;
  for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
});

// A filter that is taken away leaves its controls, too, and the focus goes to the next one.
let clearsFilter = false;
document.addEventListener("htmx:beforeRequest", (event) => {
  const names = event.detail.elt.dataset.clears?.split(" ");
  clearsFilter = Boolean(names);
  for (const name of names ?? []) {
    const control = document.getElementById("filters").elements[name];
    if (control) control.value = "";
  }
});
document.addEventListener("htmx:afterSettle", () => {
  if (clearsFilter) (document.querySelector("#chips a") ?? document.querySelector("#filters summary")).focus();
  clearsFilter = false;
  // Own dates begin as the days that are shown.
  const days = document.getElementById("about")?.dataset;
  if (days?.first && document.getElementById("period").value !== "custom") {
    document.getElementById("from").value = days.first;
    document.getElementById("to").value = days.last;
  }
});

// Chosen columns are kept by then, so the list comes again with them.
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.id !== "columns" || !event.detail.successful) return;
  htmx.ajax("GET", window.location.href, { target: "#list", select: "#list", swap: "outerHTML" });
});

// A panel of choices closes with Escape, or by a click elsewhere.
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && event.target.closest(".choose[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll(".choose[open]")) if (!open.contains(event.target)) open.open = false;
});

// After "Show more", focus the first new row.
let shownBefore = 0;
document.addEventListener("htmx:beforeSwap", (event) => {
  shownBefore = event.detail.target.id === "rows" ? document.querySelectorAll("#rows > tr").length : 0;
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (shownBefore && event.detail.target.id === "rows") {
    const rows = document.querySelectorAll("#rows > tr");
    rows[shownBefore]?.querySelector("th a")?.focus();
    const of = document.getElementById("filters").getAttribute("aria-label").toLowerCase();
    document.getElementById("found").textContent = `${rows.length - shownBefore} more, ${rows.length} ${of} shown.`;
  }
  shownBefore = 0;
});

// Without this script the button of a row leads to a page; most visits open no menu.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-menu]");
  if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const menu = await import("./row_menu.js").catch(() => null);
  if (menu) menu.show(button);
  else window.location.assign(button.href);
});

// A number lies above the link of its row, so that a pointer reads it; a click on it opens the row.
document.addEventListener("click", (event) => {
  const link = event.target.closest(".figures tbody tr")?.querySelector(".opens");
  const isSelecting = String(window.getSelection()).length > 0;
  if (!link || isSelecting || event.target.closest("a, button, input, label, .pick, .act")) return;
  const { ctrlKey, metaKey, shiftKey } = event;
  link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey, metaKey, shiftKey }));
});

// A box that is cleared while the next script loads stays cleared, because the event that
// happens once more is not the user's.
document.addEventListener("change", ({ target, isTrusted }) => {
  if (isTrusted && target.id === "all") for (const box of document.querySelectorAll("#rows .pick input")) box.checked = target.checked;
});

// The script that selects rows is loaded with the first selected row.
const loadSelection = () => import("./selection.js");
onFirst({ change: (event) => event.target.closest("#selection") }, loadSelection);

/** Offer to select all rows; a browser may have restored selected ones. */
function offerSelection() {
  const bar = document.getElementById("bar");
  if (!bar) return;
  document.getElementById("pick-all").hidden = false;
  if (document.querySelector("#rows .pick input:checked")) loadSelection().then(({ begin }) => begin(), () => {});
  else bar.hidden = true;
}
window.addEventListener("pageshow", offerSelection);
document.addEventListener("htmx:afterSettle", offerSelection);
offerSelection();
