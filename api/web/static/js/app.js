// What every page does: tell of requests that failed, and keep the focus where it was.

const notices = document.getElementById("notices");

/** Say something where screen readers listen; text only, never HTML. */
export function tell(text, kind = "") {
  const line = document.createElement("p");
  line.className = `notice ${kind}`;
  line.textContent = text;
  notices.replaceChildren(line);
}

document.addEventListener("htmx:responseError", (event) => {
  const answer = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const failure = answer.querySelector("[data-failure]");
  tell(failure ? failure.dataset.failure : "That did not work. Reload the page and try again.", "bad");
});

document.addEventListener("htmx:sendError", () => {
  tell("Goatherd cannot be reached just now. Nothing was changed.", "bad");
});

// A form that was sent once is not sent again by a second click.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  else if (event.target.method === "post" && !event.target.hasAttribute("hx-post")) event.target.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Space ticks a box. Enter would press the form's first button, whatever that does.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input[type=checkbox]")) event.preventDefault();
});

// Dialogs open and close by what their buttons say.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  const closer = event.target.closest("[data-closes]");
  if (closer) closer.closest("dialog").close();
});
