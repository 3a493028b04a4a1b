// A creator's overview: scrolls to the explanation of a number that was requested.

document.addEventListener("htmx:afterSettle", (event) => {
  const asked = event.detail.requestConfig?.parameters?.on;
  const reasons = asked && document.getElementById("explained");
  if (!reasons) return;
  reasons.scrollIntoView({ block: "nearest" });
  reasons.focus({ preventScroll: true });
});
