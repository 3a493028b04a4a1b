// The search over a page, once it is open: keys that move in it, and ways to close it.

const finder = document.getElementById("finder");

finder.addEventListener("keydown", (event) => {
  const links = [...finder.querySelectorAll("#finder-found a")];
  const at = links.indexOf(document.activeElement);
  // Until the newest text is found, Enter goes to the page of the search.
  const isFound = finder.querySelector("#found")?.dataset.text === finder.querySelector("input").value.trim();
  if (event.key === "Enter" && at < 0 && isFound && links.length > 0) {
    event.preventDefault();
    links[0].click();
  }
  // A browser would use the first Escape to clear the field; the text stays for next time.
  if (event.key === "Escape" && !event.isComposing) {
    event.preventDefault();
    finder.close();
  }
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  event.preventDefault();
  const next = links[at + (event.key === "ArrowDown" ? 1 : -1)];
  (next ?? (at <= 0 ? finder.querySelector("input") : links.at(-1))).focus();
});
// A click beside the dialog closes it.
finder.addEventListener("click", (event) => {
  if (event.target === finder) finder.close();
});
