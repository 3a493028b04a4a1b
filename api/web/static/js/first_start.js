// Propose the browser's own time zone; the whole list is offered once the text is selected.

const zone = document.getElementById("f-time_zone");
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
const isKnown = [...zone.list.options].some((option) => option.value === own);
if ("proposesOwnZone" in zone.dataset && isKnown && !zone.value) zone.value = own;
zone.addEventListener("focus", () => zone.select());
