// Lists that filters narrow and "Show more" lengthens.

// Empty filters are left out of the address.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.id !== "filters") return;
  const parameters = event.detail.parameters;
  for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
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
