// What every page does: show messages of failed requests, and ask before typed text is lost.

const flashes = document.getElementById("flashes");

let shown = null;

/** Show a flash message, which screen readers read out; text only, never HTML. */
export function flash(text, kind = "") {
  const line = document.createElement("p");
  line.className = `flash ${kind}`;
  line.textContent = text;
  flashes.replaceChildren(line);
  shown = line;
}

/**
 * Return a function that removes the message shown now: call it when a request that
 * begins now succeeds. Messages shown meanwhile, about something else, stay.
 */
export function flashRemover() {
  const line = shown;
  return () => line?.remove();
}

document.addEventListener("htmx:responseError", (event) => {
  const answer = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const failure = answer.querySelector("[data-failure]");
  flash(failure ? failure.dataset.failure : "That did not work. Reload the page and try again.", "bad");
});

document.addEventListener("htmx:sendError", () => {
  flash("Goatherd cannot be reached just now. Nothing was changed.", "bad");
});

const begun = new WeakMap();
document.addEventListener("htmx:beforeSend", (event) => begun.set(event.detail.xhr, flashRemover()));
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) begun.get(event.detail.xhr)?.();
});

// A form that was sent once is not sent again by a second click.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  else if (event.target.method === "post" && !event.target.hasAttribute("hx-post")) event.target.dataset.sent = "yes";
});
const unsend = () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
};
window.addEventListener("pageshow", unsend);

/** Whether a control holds something else than the page came with. */
function isChanged(control) {
  if (control.matches("select")) {
    const options = [...control.options];
    return control.value !== (options.find((option) => option.defaultSelected) ?? options[0])?.value;
  }
  if (control.matches("[type=checkbox], [type=radio]")) return control.checked !== control.defaultChecked;
  if (control.matches("textarea")) return control.value !== control.defaultValue;
  // A field of one line drops the ends of lines that a page gave it.
  return control.matches("input:not([type=hidden])") && control.value !== control.defaultValue.replace(/[\r\n]/g, "");
}

/** Whether leaving would lose something; a guard may say that it came unsaved already. */
const holdsText = (form) => !form.dataset.sent && (form.dataset.guard === "unsaved" || [...form.elements].some(isChanged));

window.addEventListener("beforeunload", (event) => {
  if (![...document.querySelectorAll("form[data-guard]")].some(holdsText)) return;
  event.preventDefault();
  // Whoever stays may send again what was sent when the question came.
  setTimeout(unsend);
});

// Space ticks a box. Enter would press the form's first button, whatever that does.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input[type=checkbox]")) event.preventDefault();
});

// On a phone the current tab may lie out of sight; the page itself stays where it is.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  const bar = tab.parentElement;
  bar.scrollLeft += tab.getBoundingClientRect().left - bar.getBoundingClientRect().left - (bar.clientWidth - tab.offsetWidth) / 2;
}

// Dialogs open and close by what their buttons say.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  const closer = event.target.closest("[data-closes]");
  if (closer) closer.closest("dialog").close();
});
