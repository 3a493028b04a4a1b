// Reviewing an inbox: each decision is sent at once, and undo is another command.

import { flash, flashRemover } from "./app.js";
import { number } from "./numbers.js";

const list = document.getElementById("videos");
const bulk = document.getElementById("bulk");
const undoBar = document.getElementById("undo");
const dialog = document.getElementById("keys");

/** @type {{rows: HTMLElement[], done: Promise<string[]>}[]} */
const decisions = [];
let undosThatWait = 0;
const DONE = { include: ["was included", "were included"], exclude: ["was removed", "were removed"], put_back: ["was put back", "were put back"] };

const rows = () => [...list.querySelectorAll(".video:not([hidden])")];
const rowOf = (element) => element?.closest?.(".video");
const current = () => rowOf(document.activeElement);
const titleOf = (row) => row.querySelector("h2").textContent.trim();
const picked = () => rows().filter((row) => row.querySelector(".pick").checked);

/** A new idempotency key; a page without TLS has no randomUUID. */
function newIdempotencyKey() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16)).join("-");
}

function focusOn(row) {
  row.querySelector(".pick").focus();
  row.scrollIntoView({ block: "nearest" });
}

function move(by) {
  const shown = rows();
  const at = shown.indexOf(current());
  const next = at < 0 ? shown[0] : shown[at + by];
  if (next) focusOn(next);
  else if (by > 0) goOn();
}

/** Focus the row that was loaded after the last one, unless the focus moved meanwhile. */
async function goOn() {
  const was = document.activeElement;
  const first = await loadMore();
  if (first && document.activeElement === was) focusOn(first);
}

/** Send a decision; it arrives even if the page is left meanwhile. */
async function send(decision, sent) {
  const removeFlash = flashRemover();
  const body = new URLSearchParams({ csrf: undoBar.elements.csrf.value, idempotency_key: newIdempotencyKey(), decision });
  for (const row of sent) body.append("video", row.dataset.video);
  const answer = await fetch(undoBar.action, { method: "POST", body, keepalive: true, headers: { "HX-Request": "true", "HX-Current-URL": window.location.href } });
  if (answer.headers.get("HX-Redirect")) window.location.assign(answer.headers.get("HX-Redirect"));
  const text = await answer.text();
  if (!answer.ok) {
    const page = new DOMParser().parseFromString(text, "text/html");
    throw new Error(page.querySelector("[data-failure]")?.dataset.failure ?? "That did not work. Try it again.");
  }
  removeFlash();
  return JSON.parse(text);
}

/** Return the message about a decision on rows. */
function sentence(decision, decided) {
  const [one, many] = DONE[decision];
  return decided.length === 1 ? `“${titleOf(decided[0])}” ${one}.` : `${decided.length} videos ${many}.`;
}

/** Show the message to screen readers, and in the bar with the undo button. */
function say(text) {
  document.getElementById("said").textContent = text;
  document.getElementById("done").textContent = text;
  undoBar.hidden = decisions.length === 0;
}

/** Write the number of waiting videos: the number of the page, minus the decisions since. */
function countDown(place, name) {
  const was = place?.closest(`[data-${name}]`)?.dataset[name];
  // A short number, such as 1.2K, does not change by one.
  if (was === undefined || (name === "waiting" && was >= 1000)) return;
  place.textContent = number(was - list.querySelectorAll(".video[hidden]").length);
  if (name === "waiting") place.parentElement.hidden = place.textContent === "0";
}

function count() {
  const shown = rows();
  const more = document.getElementById("more");
  const chosen = picked().length;
  countDown(document.getElementById("amount"), "total");
  for (const badge of document.querySelectorAll("[data-waiting]")) countDown(badge.firstElementChild, "waiting");
  document.getElementById("chosen").textContent = chosen ? `${chosen} selected${chosen > 100 ? ", 100 at most" : ""}` : "";
  for (const button of bulk.querySelectorAll("[name=decision]")) button.disabled = chosen === 0 || chosen > 100;
  const all = document.getElementById("all");
  all.checked = chosen > 0 && chosen === shown.length;
  all.indeterminate = chosen > 0 && chosen < shown.length;
  bulk.hidden = shown.length === 0;
  document.getElementById("nothing").hidden = shown.length > 0 || more !== null;
}

async function decide(decision, decided) {
  if (decided.length === 0) return;
  const shown = rows();
  const after = shown.slice(shown.indexOf(decided.at(-1)) + 1).find((row) => !decided.includes(row));
  const before = shown.slice(0, shown.indexOf(decided[0])).at(-1);
  for (const row of decided) {
    row.hidden = true;
    row.querySelector(".pick").checked = false;
  }
  const sent = send(decision, decided);
  const entry = { rows: decided, done: sent.then((answer) => answer.done, () => []) };
  decisions.push(entry);
  say(sentence(decision, decided));
  count();
  const next = after ?? before;
  if (next) focusOn(next);
  else undoBar.querySelector("button").focus();
  if (rows().length < 5) loadMore();
  try {
    const { done, message } = await sent;
    if (done.length < decided.length) flash(message);
  } catch (error) {
    decisions.splice(decisions.indexOf(entry), 1);
    show(decided);
    say("");
    flash(error instanceof TypeError ? "Goatherd cannot be reached now. The decision was not stored." : error.message, "bad");
  }
}

/** Show rows again in their places, and focus the first. */
function show(back) {
  for (const row of back) row.hidden = false;
  count();
  focusOn(back[0]);
}

async function undo() {
  const last = decisions.pop();
  if (!last) {
    // The decision was made before this page was loaded.
    if (!undoBar.hidden && undoBar.elements.video) undoBar.requestSubmit();
    return;
  }
  show(last.rows);
  say(sentence("put_back", last.rows));
  const reach = (error) => (error instanceof TypeError ? "Goatherd cannot be reached now. The decision stands." : error.message);
  undosThatWait += 1;
  try {
    // A video that another person had decided on stays as it is.
    const done = new Set(await last.done);
    const ours = last.rows.filter((row) => done.has(row.dataset.video));
    hide(last.rows.filter((row) => !ours.includes(row)));
    if (ours.length) await send("put_back", ours);
  } catch (error) {
    decisions.push(last);
    hide(last.rows);
    say("");
    flash(reach(error), "bad");
  } finally {
    undosThatWait -= 1;
  }
}

function hide(gone) {
  for (const row of gone) row.hidden = true;
  count();
}

// A decision arrives even if the page closes; an undo must come after it.
window.addEventListener("beforeunload", (event) => {
  if (undosThatWait) event.preventDefault();
});

let loading = false;

/** Load the next page when few rows are left, without the rows that are shown already. */
async function loadMore() {
  const more = document.getElementById("more");
  if (!more || loading) return;
  loading = true;
  try {
    const answer = await fetch(more.querySelector("a").href, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const known = new Set([...list.children].map((row) => row.dataset.video));
    const fresh = [...page.querySelectorAll("#videos > .video")].filter((row) => !known.has(row.dataset.video));
    list.append(...fresh);
    const next = page.getElementById("more");
    if (next) more.replaceWith(next);
    else more.remove();
    count();
    if (!current() && fresh.length && document.activeElement === undoBar.querySelector("button")) focusOn(fresh[0]);
    return fresh[0];
  } catch {
    // The link to the next page still works.
  } finally {
    loading = false;
  }
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  c: () => current() && decide("include", [current()]),
  i: () => current() && decide("include", [current()]),
  x: () => current() && decide("exclude", [current()]),
  e: () => current() && decide("exclude", [current()]),
  u: undo,
  "?": () => dialog.showModal(),
};

function isTyping(target) {
  return target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
}

function press(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || dialog.open) return;
  if (isTyping(event.target)) return;
  const isArrow = event.key === "ArrowDown" || event.key === "ArrowUp";
  if (isArrow && !event.shiftKey && current()) {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
    return;
  }
  const act = KEYS[event.key];
  if (!act || !document.getElementById("keys-on").checked) return;
  event.preventDefault();
  act();
}

if (bulk) {
  for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;
  document.addEventListener("keydown", press);
  list.addEventListener("change", count);
  document.getElementById("all").addEventListener("change", (event) => {
    for (const row of rows()) row.querySelector(".pick").checked = event.target.checked;
    count();
  });
  // The script handles the button, so the browser must not send the form.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=decision]");
    const more = event.target.closest("#more a");
    if (button) {
      event.preventDefault();
      const row = rowOf(button);
      decide(button.value, row ? [row] : picked());
    } else if (event.target.closest("#undo button") && decisions.length) {
      event.preventDefault();
      undo();
    } else if (more && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      loadMore().then((first) => first && focusOn(first));
    }
  });
  const on = document.getElementById("keys-on");
  on.checked = localStorage.getItem("goatherd-keys") !== "off";
  on.addEventListener("change", () => localStorage.setItem("goatherd-keys", on.checked ? "on" : "off"));
  count();
}
