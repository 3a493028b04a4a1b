// The charts of a page: what draws them is loaded once one is nearly in sight, or soon used or printed.

// Until then a chart is the drawing that it is without a script.
const NEAR = "100px";

let loading = null;
let isDrawn = false;

/** All charts of the page. */
const plots = () => document.querySelectorAll("[data-chart]");

/** The address of a file beside this script's folder. */
const address = (path) => new URL(path, import.meta.url).href;

/** Load a style sheet, or a script that is no module. */
function fetched(name, attributes) {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement(name), attributes);
    element.addEventListener("load", resolve);
    element.addEventListener("error", reject);
    // Our own styles come later and hold.
    document.head.prepend(element);
  });
}

/** Load what draws charts. */
async function loadAll() {
  await Promise.all([
    fetched("link", { rel: "stylesheet", href: address("../vendor/uplot.css") }),
    fetched("script", { src: address("../vendor/uplot.js") }),
    import("./drawing.js"),
  ]);
  await import("./chart.js");
  isDrawn = true;
}

/** Draw all charts of the page; where that cannot be loaded, they stay as they are. */
function draw() {
  if (!plots().length) return Promise.resolve();
  watcher.disconnect();
  loading ??= loadAll().catch(() => { loading = null; });
  return loading;
}

const watcher = new IntersectionObserver((seen) => {
  if (seen.some((one) => one.isIntersecting)) draw();
}, { rootMargin: NEAR });

function watch() {
  if (!loading) for (const plot of plots()) watcher.observe(plot);
}

/** Print once the charts are drawn. */
function printLater(event) {
  if (isDrawn || !plots().length) return;
  event.preventDefault();
  event.stopPropagation();
  draw().then(() => print());
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) printLater(event);
}, { capture: true });
document.addEventListener("keydown", (event) => {
  // A drawn chart is a stop of the Tab key, and may be the next one.
  if (event.key === "Tab") draw();
  if (event.key.toLowerCase() === "p" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) printLater(event);
});
// The menu of the browser does not wait; printed again, charts are drawn.
addEventListener("beforeprint", draw);
document.addEventListener("htmx:afterSettle", watch);
watch();
