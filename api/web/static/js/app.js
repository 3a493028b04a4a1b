// For every page: show messages of failed requests, warn before typed text is lost, and print.

const RENEW_MS = 1_000;
const flashes = document.getElementById("flashes");

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

/**
 * Load a script with the first event that needs it, which then happens once more.
 * @param {Record<string, (event: Event) => unknown>} needs
 */
export function onFirst(needs, load) {
  let loading = null;
  for (const [name, isNeeded] of Object.entries(needs)) {
    document.addEventListener(name, async (event) => {
      if (loading || !isNeeded(event)) return;
      if (name === "keydown") event.preventDefault();
      try {
        await (loading = load());
      } catch {
        // The next such event tries again.
        loading = null;
        return;
      }
      event.target.dispatchEvent(new event.constructor(name, event));
    });
  }
}

onFirst({
  pointerdown: (event) => event.pointerType !== "mouse",
  keydown: (event) => event.key.startsWith("Arrow") && !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) && event.target.closest("tbody") && !event.target.matches("input:not([type=checkbox]), select, textarea"),
}, () => import("./exact.js"));

let shown = null;

const SHOWN_MS = 8_000;

/** Let a message go by itself, though not while somebody reads it; an error stays. */
function letGo(line) {
  const close = document.createElement("button");
  close.type = "button";
  close.className = "closes";
  close.ariaLabel = "Close this message";
  close.addEventListener("click", () => line.remove());
  line.append(close);
  if (line.classList.contains("bad")) return;
  const isRead = () => line.matches(":hover, :focus-within");
  const go = () => (isRead() ? setTimeout(go, 1_000) : line.remove());
  setTimeout(go, SHOWN_MS);
}

/** Show a flash message, which screen readers read aloud; text only, never HTML. */
export function flash(text, kind = "") {
  const line = document.createElement("p");
  line.className = `flash ${kind}`;
  const words = document.createElement("span");
  words.textContent = text;
  line.append(words);
  flashes.replaceChildren(line);
  letGo(line);
  shown = line;
}

for (const line of flashes.querySelectorAll(".flash")) letGo(line);

// A page that is drawn again says what it said.
for (const text of JSON.parse(sessionStorage.getItem("said") ?? "[]")) flash(text);
sessionStorage.removeItem("said");

/**
 * The page lacks a change, or a scrape has just ended: what was asked for appears by
 * itself, unless typed text or a sent form would be lost. An opened form stays open,
 * and the page is renewed when it is closed.
 */
function renew() {
  if (!document.querySelector("[data-renews]") || document.querySelector("form[data-sent]")) return;
  if ([...document.querySelectorAll("form[data-guard]")].some(holdsText)) return;
  if (document.querySelector("details[open] form")) {
    document.addEventListener("toggle", renew, { capture: true, once: true });
    return;
  }
  const overview = document.getElementById("overview");
  if (overview) window.htmx.ajax("GET", window.location.href, { target: "#overview", select: "#overview", swap: "outerHTML show:none" });
  else {
    const said = [...flashes.querySelectorAll(".flash:not([data-renews], .bad)")].map((line) => line.textContent);
    sessionStorage.setItem("said", JSON.stringify(said));
    window.location.reload();
  }
}

/**
 * Return a function that removes the present message: call it when a request that
 * begins now succeeds. Messages that are shown meanwhile stay.
 */
export function flashRemover() {
  const line = shown;
  return () => line?.remove();
}

document.addEventListener("htmx:responseError", (event) => {
  const answer = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const failure = answer.querySelector("[data-failure]");
  flash(failure ? failure.dataset.failure : "That did not work. Try it again.", "bad");
});

document.addEventListener("htmx:sendError", () => {
  flash("Goatherd cannot be reached now. Nothing was changed.", "bad");
});

// Choices that act at once have their button only without a script. The second of two
// dates acts, and a single one when the focus leaves; each date of open days does.
const SETTLED_MS = 700;
const settling = new WeakMap();

/** Return the dates of a form. */
const datesOf = (form) => [...form.querySelectorAll("input[type=date]")];

/** Send a form whose dates are complete; a year that is being typed is not. */
function sendDays(form) {
  clearTimeout(settling.get(form));
  const dates = datesOf(form);
  const isOpen = form.dataset.acts === "open";
  if (!form.isConnected || !form.checkValidity() || !dates.some((date) => date.dataset.chosen)) return;
  if (!isOpen && dates.some((date) => !date.value)) return;
  for (const date of dates) delete date.dataset.chosen;
  form.requestSubmit();
}

/** Send the form in a moment, unless somebody is still typing. */
function settle(form) {
  clearTimeout(settling.get(form));
  settling.set(form, setTimeout(sendDays, SETTLED_MS, form));
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-acts]");
  if (!form) return;
  const dates = datesOf(form);
  if (!dates.includes(event.target)) return form.requestSubmit();
  event.target.dataset.chosen = "yes";
  const [first, last] = [dates[0], dates.at(-1)];
  const isBackwards = last.value && first.value > last.value;
  const isSecond = event.target === last && !isBackwards;
  if (isSecond || form.dataset.acts === "open" || dates.every((date) => date.dataset.chosen)) settle(form);
});
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("form[data-acts]");
  if (!form || !datesOf(form).includes(event.target)) return;
  if (event.key === "Enter") sendDays(form);
  else if (settling.has(form) && event.key !== "Tab") settle(form);
});
document.addEventListener("focusout", (event) => {
  const form = event.target.closest?.("form[data-acts]");
  if (form && datesOf(form).includes(event.target) && !form.contains(event.relatedTarget)) settle(form);
});
// A link or a button that is used meanwhile comes first.
document.addEventListener("click", (event) => {
  if (!event.target.closest("a, button")) return;
  for (const form of document.querySelectorAll("form[data-acts]")) clearTimeout(settling.get(form));
}, { capture: true });

// A request that a newer one replaces did not fail, and the page says which one did: without
// a text of its own for the error, htmx writes none to the console.
const begun = new WeakMap();
document.addEventListener("htmx:beforeSend", ({ detail }) => {
  begun.set(detail.xhr, flashRemover());
  detail.error = "";
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) begun.get(event.detail.xhr)?.();
});

// A second click does not send a form again.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  else if (event.target.method === "post" && !event.target.hasAttribute("hx-post")) event.target.dataset.sent = "yes";
});
const unsend = () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
};
window.addEventListener("pageshow", unsend);

/** Return whether the value of a control differs from the page's. */
function isChanged(control) {
  if (control.matches("select")) {
    const options = [...control.options];
    return control.value !== (options.find((option) => option.defaultSelected) ?? options[0])?.value;
  }
  if (control.matches("[type=checkbox], [type=radio]")) return control.checked !== control.defaultChecked;
  if (control.matches("textarea")) return control.value !== control.defaultValue;
  // An input of one line drops the line breaks of its value.
  return control.matches("input:not([type=hidden])") && control.value !== control.defaultValue.replace(/[\r\n]/g, "");
}

/** Return whether leaving would lose text; the page may mark a form with unsaved text. */
const holdsText = (form) => !form.dataset.sent && (form.dataset.guard === "unsaved" || [...form.elements].some(isChanged));

window.addEventListener("beforeunload", (event) => {
  if (![...document.querySelectorAll("form[data-guard]")].some(holdsText)) return;
  event.preventDefault();
  // A user who stays may send the form again.
  setTimeout(unsend);
});

// Space ticks a check box; Enter would press the form's first button.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input[type=checkbox]")) event.preventDefault();
});

// An address with a code or a token that is over leaves the bar and the history.
const tidy = document.querySelector("[data-address]");
if (tidy) window.history.replaceState(null, "", tidy.dataset.address);

// After an error the first wrong field has the focus, and is in sight.
document.querySelector("main [aria-invalid=true]")?.focus();

// On a phone the current tab or page may be out of sight; only their bar scrolls.
for (const tab of document.querySelectorAll(".tabs [aria-current], .top nav [aria-current]")) {
  const bar = tab.parentElement;
  bar.scrollLeft += tab.getBoundingClientRect().left - bar.getBoundingClientRect().left - (bar.clientWidth - tab.offsetWidth) / 2;
}

// The search opens over the page with / or Ctrl-K; without a script it is a page.
const finder = document.getElementById("finder");
const isTyping = (target) => target.closest("input, select, textarea, [contenteditable]");

function openFinder() {
  if (finder.open) return;
  finder.showModal();
  const input = finder.querySelector("input");
  input.select();
  window.htmx.trigger(input, "opened");
  // Until the script is there, Enter leads to the page of the search.
  import("./finder.js").catch(() => {});
}

if (finder) {
  document.addEventListener("keydown", (event) => {
    const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target) && !document.querySelector("dialog[open]");
    const isK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (!isSlash && !isK) return;
    event.preventDefault();
    openFinder();
  });
  for (const opener of document.querySelectorAll("[data-searcher]")) {
    opener.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      openFinder();
    });
  }
}

// Buttons open and close dialogs as their attributes say.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  const closer = event.target.closest("[data-closes]");
  if (closer) closer.closest("dialog").close();
});

// A page that was drawn too early is asked for again; so is one whose scrape has ended.
if (document.querySelector("[data-renews]")) setTimeout(renew, RENEW_MS);
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.matches("#scrape:has([data-renews])")) renew();
});
