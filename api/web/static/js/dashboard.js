// A dashboard: the button that prints it, and the calendar's newest weeks in sight.

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

/** On a phone the calendar is wider than the page: its newest weeks come first. */
function showNewestWeeks() {
  for (const calendar of document.querySelectorAll(".calendar")) calendar.scrollLeft = calendar.scrollWidth;
}

showNewestWeeks();
document.addEventListener("htmx:afterSettle", showNewestWeeks);
