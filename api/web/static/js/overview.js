// A creator's overview: brings the reasons of a number into sight when they were asked for.

document.addEventListener("htmx:afterSettle", (event) => {
  const asked = event.detail.requestConfig?.parameters?.on;
  const reasons = asked && document.getElementById("explained");
  if (!reasons) return;
  reasons.scrollIntoView({ block: "nearest" });
  reasons.focus({ preventScroll: true });
});
