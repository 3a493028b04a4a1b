// The menu of a row, shown at its button; lists.js loads it with the first use.

const menu = document.createElement("div");
menu.className = "menu-list row-menu";
menu.id = "row-menu";
menu.popover = "auto";
document.getElementById("main").append(menu);

/** Place the menu below its button, or above it where the window ends. */
function place(button) {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const end = document.querySelector(".phone-bar")?.getBoundingClientRect().top || window.innerHeight;
  const isBelow = at.bottom + height + 4 < end || at.top < height + 4;
  menu.style.left = `${Math.max(8, Math.min(at.right - width, window.innerWidth - width - 8))}px`;
  menu.style.top = `${isBelow ? at.bottom + 4 : at.top - height - 4}px`;
}

let opener = null;

/** Show the menu of a button. */
export async function show(button) {
  const back = encodeURIComponent(window.location.pathname + window.location.search);
  const answer = await fetch(`${button.href}?back=${back}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  const shown = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("menu");
  // The page says what is wrong; a proxy may answer with a sign-in of its own.
  if (!shown) return window.location.assign(button.href);
  menu.replaceChildren(...shown.children);
  menu.ariaLabel = button.ariaLabel;
  opener = button;
  button.focus();
  menu.showPopover();
  place(button);
  menu.querySelector("button, a, summary").focus();
}

menu.addEventListener("toggle", (event) => {
  opener?.setAttribute("aria-expanded", String(event.newState === "open"));
  if (event.newState === "closed" && document.activeElement === document.body) opener?.focus();
});
// A part that opens may need more room.
menu.addEventListener("toggle", () => opener && menu.matches(":popover-open") && place(opener), { capture: true });
window.addEventListener("scroll", () => menu.hidePopover(), { passive: true });

// Arrow keys go from one action to the next.
menu.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  if (event.target.matches("select")) return;
  event.preventDefault();
  const all = [...menu.querySelectorAll("a, button, summary, input:not([type=hidden]), select")].filter((one) => one.checkVisibility());
  const next = all.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  all.at(next % all.length).focus();
});
