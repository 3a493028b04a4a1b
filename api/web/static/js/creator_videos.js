// The table of videos: a check box that selects all, and the number of selected videos.

/** @returns {HTMLInputElement[]} */
const boxes = () => [...document.querySelectorAll('input[name="video_ids"]')];

/** Show the number of selected videos, and disable the buttons if none is selected. */
function count() {
  const many = document.getElementById("many");
  if (!many) return;
  const amount = boxes().filter((box) => box.checked).length;
  many.querySelector("[data-selected]").textContent = amount === 1 ? "1 video selected" : `${amount} videos selected`;
  for (const button of many.querySelectorAll("button")) button.disabled = amount === 0;
  const all = document.querySelector("[data-all]");
  document.getElementById("pick-all").hidden = false;
  all.checked = amount > 0 && amount === boxes().length;
  all.indeterminate = amount > 0 && !all.checked;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.matches('[data-all], input[name="video_ids"]')) count();
});
document.addEventListener("htmx:afterSettle", count);
window.addEventListener("pageshow", count);
count();
