// A creator's change log: the slider through its changes, and the focus after "Show more".

const slider = document.getElementById("slider");

/** The links to the changes, oldest first and the present last. */
function links() {
  return [...document.querySelectorAll("#steps a")].reverse();
}

if (slider) {
  const range = slider.querySelector("input");
  const said = document.getElementById("step-said");
  let waiting = 0;

  const say = () => {
    const text = links()[range.value].textContent;
    range.setAttribute("aria-valuetext", text);
    said.textContent = text;
  };

  const show = () => {
    const link = links()[range.value];
    for (const each of links()) each.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    history.replaceState(history.state, "", link.href);
    document.getElementById("as-of-state").setAttribute("aria-busy", "true");
    htmx.ajax("GET", link.getAttribute("href"), { source: range, target: "#as-of-state", select: "#as-of-state", swap: "outerHTML" });
  };

  range.addEventListener("input", () => {
    say();
    clearTimeout(waiting);
    waiting = setTimeout(show, 150);
  });
  slider.hidden = false;
}

// "Show more" is removed when more is loaded: focus the first new entry.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "more") return;
  const before = document.querySelectorAll(".day").length;
  document.addEventListener("htmx:afterSettle", () => document.querySelectorAll(".day")[before]?.focus({ preventScroll: true }), { once: true });
});
