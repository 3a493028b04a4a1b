// The selected rows of a list, and the bar with the actions on them; the form says what a row is.

const MOST = 100;

/** The check boxes of all rows that are shown. */
const boxes = () => [...document.querySelectorAll("#rows .pick input")];

/**
 * The selected rows by id, as long as the page is open: a search or another order
 * hides rows, but does not change the selection.
 * @type {Map<string, {status: string, name: string}>}
 */
const selected = new Map();

/** Update the selection by a check box, with the status and name of its row. */
function note(box) {
  if (box.checked) selected.set(box.value, { status: box.dataset.status, name: box.dataset.name });
  else selected.delete(box.value);
}

/** Show the number of selected rows, and the actions that apply to at least one of them. */
function count() {
  const bar = document.getElementById("bar");
  if (!bar) return;
  const all = document.getElementById("all");
  const shown = boxes();
  const picked = shown.filter((box) => box.checked);
  document.getElementById("pick-all").hidden = false;
  all.checked = picked.length > 0 && picked.length === shown.length;
  all.indeterminate = picked.length > 0 && picked.length < shown.length;
  bar.hidden = selected.size === 0;
  document.getElementById("none").hidden = false;
  const isTooMany = selected.size > MOST;
  const noun = document.getElementById("selection").dataset.noun;
  const words = selected.size === 1 ? `1 ${noun}` : `${selected.size} ${noun}s`;
  const notShown = selected.size - picked.length;
  const where = notShown ? `, ${notShown === selected.size ? "none of them" : `${notShown} of them not`} in this list` : "";
  document.getElementById("count").textContent = `${words} selected${where}${isTooMany ? `: at most ${MOST} at a time` : ""}`;
  const statuses = new Set([...selected.values()].map((one) => one.status));
  for (const button of bar.querySelectorAll("[data-for]")) {
    button.hidden = !button.dataset.for.split(" ").some((status) => statuses.has(status));
    button.disabled = isTooMany;
  }
  for (const place of document.querySelectorAll('[data-shows="count"]')) place.textContent = words;
  for (const place of document.querySelectorAll('[data-shows="names"]')) {
    const names = [...selected.values()].map((one) => one.name);
    place.textContent = names.slice(0, 12).join(" ") + (names.length > 12 ? ` and ${names.length - 12} more` : "");
  }
}

/** Update the selection by the boxes, which the browser may have restored. */
export function begin() {
  boxes().forEach(note);
  count();
}

document.addEventListener("change", (event) => {
  if (event.target.closest("#selection")) begin();
});
document.addEventListener("reset", () => {
  selected.clear();
  setTimeout(count);
});
window.addEventListener("pageshow", begin);

// Hidden rows are sent as well, if the action applies to their status.
let pressed = null;
document.addEventListener("submit", (event) => {
  pressed = event.submitter;
  // A file leaves the page open, so its form may be sent again.
  if (pressed?.matches("[data-downloads]")) setTimeout(() => delete event.target.dataset.sent);
});
document.addEventListener("formdata", (event) => {
  const statuses = pressed?.dataset.for?.split(" ") ?? [];
  if (event.target.id !== "selection") return;
  const { field } = event.target.dataset;
  const sent = new Set(event.formData.getAll(field));
  for (const [id, { status }] of selected) {
    if (!sent.has(id) && statuses.includes(status)) event.formData.append(field, id);
  }
});

// Enter in a panel of the bar presses its own button; the form's first one does nothing.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches(".bar .panel input")) return;
  event.preventDefault();
  event.target.closest(".panel").querySelector("button").click();
});

// A button with a confirmation opens a dialog; without this script, a page confirms.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-confirms]");
  if (!button) return;
  event.preventDefault();
  document.getElementById(button.dataset.confirms).showModal();
});

document.addEventListener("htmx:afterSettle", () => {
  for (const box of boxes()) box.checked = selected.has(box.value);
  begin();
});
