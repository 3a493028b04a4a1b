// A dashboard: the calendar's newest weeks in sight.

/** On a phone the calendar is wider than the page: its newest weeks come first. */
function showNewestWeeks() {
  for (const calendar of document.querySelectorAll(".calendar")) calendar.scrollLeft = calendar.scrollWidth;
}

showNewestWeeks();
document.addEventListener("htmx:afterSettle", showNewestWeeks);
