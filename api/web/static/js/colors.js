// The browser's choice of a colour next to a field for its code.

for (const choice of document.querySelectorAll("[data-writes]")) {
  const field = document.getElementById(choice.dataset.writes);
  choice.hidden = false;
  choice.addEventListener("input", () => {
    field.value = choice.value;
    // The form notices that it has something to save.
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  field.addEventListener("input", () => {
    if (/^#[0-9a-f]{6}$/i.test(field.value.trim())) choice.value = field.value.trim();
  });
}
