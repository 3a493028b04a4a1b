// Passkeys: the device makes or uses one, and the form around the button carries its answer.

// Browsers keep passkeys for names of hosts, such as localhost, and not for numbers.
const isNamed = !/^[\d.]+$|^\[/.test(window.location.hostname);
const isSupported = isNamed && "PublicKeyCredential" in window && "parseRequestOptionsFromJSON" in PublicKeyCredential && "toJSON" in PublicKeyCredential.prototype;
const unsupported = window.isSecureContext ? "This browser can't use passkeys. A newer one can." : "Passkeys need an address with https.";
// Only one question to the device is open at a time.
let open = null;

/** Request what the device needs to know; a place names the fields that describe its person. */
async function options(address, place) {
  const names = ["csrf", ...(place.dataset.describes ?? "").split(" ")];
  const sent = [...new FormData(place.closest("form"))].filter(([name]) => names.includes(name));
  const answer = await fetch(address, { method: "POST", body: new URLSearchParams(sent) });
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
}

/** Send the form with the answer of the device. */
function send(place, credential) {
  const form = place.closest("form");
  form.elements.credential.value = JSON.stringify(credential);
  form.submit();
}

/** Say what is wrong below the button. */
function tell(place, text) {
  const problem = place.querySelector("[data-passkey-problem]");
  problem.textContent = text;
  problem.hidden = !text;
}

/** Say what went wrong; the person may just have closed the question. */
function report(place, error) {
  const texts = {
    AbortError: "",
    InvalidStateError: "This device has a passkey for your account already.",
    NotAllowedError: "No passkey was used. Try again, or choose another way.",
    SecurityError: "Passkeys don't work at this address.",
  };
  tell(place, texts[error.name] ?? "That did not work. Load the page again, and try once more.");
}

/** Ask the device for a passkey; ``mediation`` offers it in the field for the email. */
async function use(place, mediation) {
  // An offer gives way to the button.
  if (mediation && open) return;
  open?.abort();
  open = new AbortController();
  const { signal } = open;
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await options(place.dataset.usesPasskey, place));
    send(place, await navigator.credentials.get({ publicKey, signal, ...(mediation && { mediation }) }));
  } catch (error) {
    // Nobody is told about an offer that they did not take.
    if (!mediation) report(place, error);
  }
}

/** Let the device make a passkey. */
async function make(place) {
  const names = place.dataset.describes?.split(" ");
  const described = [...place.closest("form").elements].filter((field) => !names || names.includes(field.name));
  if (!described.every((field) => field.reportValidity())) return;
  try {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await options(place.dataset.makesPasskey, place));
    send(place, await navigator.credentials.create({ publicKey }));
  } catch (error) {
    report(place, error);
  }
}

for (const place of document.querySelectorAll("[data-uses-passkey]")) {
  place.hidden = !isSupported;
  place.querySelector("[data-passkey]").addEventListener("click", () => use(place));
  if (isSupported && place.dataset.offers && (await PublicKeyCredential.isConditionalMediationAvailable?.())) use(place, "conditional");
}

for (const place of document.querySelectorAll("[data-makes-passkey]")) {
  const button = place.querySelector("[data-passkey]");
  if ("describes" in place.dataset) place.hidden = !isSupported;
  if (!isSupported) {
    tell(place, unsupported);
    button.disabled = true;
  }
  button.addEventListener("click", () => make(place));
  if (!place.matches("form")) continue;
  // The key Enter in a field.
  place.addEventListener("submit", (event) => {
    event.preventDefault();
    make(place);
  });
}
