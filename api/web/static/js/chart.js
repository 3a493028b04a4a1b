// Charts: draws each chart of the page, whose values the pointer and the keyboard show.

import { bucket, full, inTwo, laidOver, secondsOf, short, tick, ticks } from "./drawing.js";

const drawn = new Map();
const dark = matchMedia("(prefers-color-scheme: dark)");

/** Draw all new charts, and forget those that were removed. */
function drawAll() {
  for (const [plot, chart] of drawn) {
    if (plot.isConnected) continue;
    chart.end();
    drawn.delete(plot);
  }
  for (const plot of document.querySelectorAll("[data-chart]")) {
    if (!drawn.has(plot)) drawn.set(plot, new Chart(plot));
  }
}

class Chart {
  constructor(plot) {
    this.plot = plot;
    this.figure = plot.closest("figure");
    this.readout = this.figure.querySelector(".readout");
    this.drawing = JSON.parse(plot.dataset.chart);
    const { xs, numbers } = laidOver(this.drawing.lines);
    Object.assign(this, { xs, numbers, at: null });
    this.listen();
    this.draw();
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(plot);
  }

  end() {
    this.watcher.disconnect();
    this.uplot.destroy();
  }

  /** A colour of the style sheet, for a canvas. */
  colour(name) {
    const probe = document.createElement("span");
    probe.className = name;
    this.figure.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  draw() {
    this.uplot?.destroy();
    this.plot.replaceChildren();
    this.colours = Object.fromEntries(["series-ground", "series-grid", "series-prior", "muted", "baseline-colour"].map((name) => [name, this.colour(name)]));
    const shown = this.drawing.lines.flatMap((line, number) => this.series(line, this.numbers[number]));
    this.uplot = new uPlot(
      { ...this.size(), ...this.options(), series: [{}, ...shown.map(([series]) => series)] },
      [this.xs, ...shown.map(([, values]) => values)],
      this.plot,
    );
  }

  options() {
    const { unit, isBars } = this.drawing;
    const ink = { stroke: this.colours.muted, grid: { stroke: this.colours["series-grid"], width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const half = isBars ? this.step() / 2 : 0;
    return {
      padding: [12, 24, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { show: !isBars } },
      scales: {
        x: { time: false, range: (_, least, most) => (least === most ? [least - 43200, most + 43200] : [least - half, most + half]) },
        y: { range: (_, least, most) => limits(least, most, { isBars }) },
      },
      axes: [
        { ...ink, size: 28, grid: { show: false }, splits: (uplot) => ticks(this.xs, Math.floor(uplot.bbox.width / devicePixelRatio / 76)), values: (_, splits) => splits.map((at) => tick(at, this.drawing.granularity)) },
        { ...ink, size: 56, values: (_, splits) => splits.map((value) => short(value, unit)) },
      ],
      hooks: { setCursor: [(uplot) => this.show(uplot.cursor.idx ?? null)], draw: [() => this.mark()] },
    };
  }

  /** The least distance between two points, which is the largest width of a bar. */
  step() {
    return Math.min(...this.xs.slice(1).map((at, number) => at - this.xs[number]), 2678400);
  }

  series(line, numbers) {
    const { isBars, lines } = this.drawing;
    const stroke = line.isPrior ? this.colours["series-prior"] : this.colour(`series-${line.series}`);
    const ground = this.colours["series-ground"];
    const points = { size: 6, width: 2, show: line.isPrior ? false : undefined };
    if (isBars && !line.isPrior) return this.bars(line, numbers, { stroke, ground });
    const [over, going] = inTwo(line, numbers);
    const width = line.isPrior ? 1.5 : 2;
    // uPlot takes the option for its own where it is there at all.
    const breaks = line.sharpened.length ? { gaps: (uplot, _series, _from, _to, nulls) => this.gaps(line, numbers, uplot, nulls) } : {};
    const solid = [{ stroke, width, ...breaks, dash: line.isPrior ? [4, 4] : undefined, points: { ...points, fill: stroke, stroke } }, over];
    if (line.isPrior || !line.partial.length) return [solid];
    const few = lines.length <= 2 || this.xs.length <= 120;
    return [solid, [{ stroke, width, ...breaks, dash: [5, 4], points: { ...points, show: few, size: 8, fill: ground, stroke, filter: (_, s, show) => (show ? this.partials(line, numbers) : []) } }, going]];
  }

  /** Only points of unfinished buckets are rings; the point before belongs to the solid line. */
  partials(line, numbers) {
    const partial = new Set(line.partial);
    return numbers.flatMap((number, place) => (partial.has(number) && line.values[number] !== null ? [place] : []));
  }

  /** Bars: filled if the bucket is over, else hollow. */
  bars(line, numbers, { stroke, ground }) {
    const [over, going] = inTwo({ ...line }, numbers);
    const partial = new Set(line.partial);
    const onlyGoing = going.map((value, place) => (partial.has(numbers[place]) ? value : numbers[place] === undefined ? undefined : null));
    const paths = uPlot.paths.bars({ size: [0.7, 40], radius: 0.1 });
    const hidden = { show: false };
    return [
      [{ stroke, fill: stroke, width: 0, paths, points: hidden }, over],
      [{ stroke, fill: ground, width: 2, dash: [4, 3], paths, points: hidden }, onlyGoing],
    ];
  }

  /** Mark baselines with a diamond, and points at which a rounded number became exact with a square. */
  mark() {
    this.markPoints("baseline", this.colours["baseline-colour"], (ctx, x, y, size) => {
      ctx.moveTo(x, y - size);
      ctx.lineTo(x + size, y);
      ctx.lineTo(x, y + size);
      ctx.lineTo(x - size, y);
      ctx.closePath();
    });
    this.markPoints("sharpened", this.colours.muted, (ctx, x, y, size) => ctx.rect(x - size, y - size, 2 * size, 2 * size));
  }

  markPoints(name, stroke, shape) {
    const { ctx, bbox } = this.uplot;
    const size = 5 * devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = stroke;
    ctx.fillStyle = this.colours["series-ground"];
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.setLineDash([]);
    for (const [number, line] of this.drawing.lines.entries()) {
      if (line.isPrior) continue;
      const flagged = new Set(line[name]);
      for (const [place, at] of this.xs.entries()) {
        const which = this.numbers[number][place];
        if (which === undefined || !flagged.has(which)) continue;
        const value = line.values[which];
        const x = this.uplot.valToPos(at, "x", true);
        const y = value === null ? bbox.top + bbox.height - size : this.uplot.valToPos(value, "y", true);
        ctx.beginPath();
        shape(ctx, x, y, size);
        ctx.fill();
        ctx.stroke();
      }
    }
    ctx.restore();
  }

  /** Where a line breaks: it does not lead to a point at which a rounded number became exact. */
  gaps(line, numbers, uplot, gaps) {
    const sharpened = new Set(line.sharpened);
    const position = (place) => Math.round(uplot.valToPos(this.xs[place], "x", true));
    const more = numbers.flatMap((number, place) => (place > 0 && sharpened.has(number) ? [[position(place - 1), position(place)]] : []));
    return [...gaps, ...more].sort(([one], [other]) => one - other);
  }

  size() {
    return { width: Math.max(this.plot.clientWidth, 120), height: Math.max(this.plot.clientHeight, 120) };
  }

  resize() {
    const size = this.size();
    if (size.width !== this.uplot.width || size.height !== this.uplot.height) this.uplot.setSize(size);
  }

  /** Show the values at a position, and set the slider's value for screen readers. */
  show(place) {
    this.at = place;
    const text = place === null ? "" : this.sentence(place);
    this.readout.textContent = text || this.hint;
    this.plot.setAttribute("aria-valuenow", place ?? this.xs.length - 1);
    this.plot.setAttribute("aria-valuetext", text || this.sentence(this.xs.length - 1));
  }

  sentence(place) {
    const { granularity, lines, noun, unit } = this.drawing;
    const isAlone = lines.filter((line) => !line.isPrior).length === 1;
    const parts = lines.flatMap((line, number) => {
      const which = this.numbers[number][place];
      if (which === undefined) return [];
      const value = line.values[which];
      const known = value === null ? "unknown" : `${line.rounded.includes(which) ? "~" : ""}${full(value, unit)}`;
      const marks = { partial: "not over yet", baseline: "baseline", rounded: "rounded", sharpened: "became exact", cut: "only a part of it" };
      const notes = Object.entries(marks).flatMap(([name, note]) => (line[name].includes(which) ? [note] : []));
      const note = notes.length ? ` (${notes.join(", ")})` : "";
      if (line.isPrior) return [`before, ${bucket(secondsOf(line.of[which]), granularity)}: ${known}${note}`];
      return [isAlone ? `${known} ${noun}${note}` : `${line.label}: ${known}${note}`];
    });
    return `${bucket(this.xs[place], granularity)}: ${parts.join("; ")}`;
  }

  listen() {
    const { plot } = this;
    plot.tabIndex = 0;
    plot.setAttribute("role", "slider");
    plot.setAttribute("aria-label", plot.dataset.label);
    plot.setAttribute("aria-valuemin", 0);
    plot.setAttribute("aria-valuemax", this.xs.length - 1);
    const isExplained = this.figure.querySelector("button[name=on]") !== null;
    plot.classList.toggle("explainable", isExplained);
    this.hint = `Point at the chart, or use the arrow keys${isExplained ? "; click or press Enter to explain a number" : ""}.`;
    plot.addEventListener("keydown", (event) => this.press(event));
    plot.addEventListener("click", () => this.explain());
    plot.addEventListener("blur", () => this.move(null));
  }

  press(event) {
    const last = this.xs.length - 1;
    const now = this.at ?? last + (event.key === "ArrowLeft" ? 1 : 0);
    const far = Math.max(2, Math.round(last / 10));
    const steps = { ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1, PageDown: now - far, PageUp: now + far, Home: 0, End: last };
    if (event.key === "Enter" || event.key === " ") this.explain();
    else if (event.key === "Escape") this.move(null);
    else if (event.key in steps) this.move(Math.min(last, Math.max(0, steps[event.key])));
    else return;
    event.preventDefault();
  }

  move(place) {
    const { uplot } = this;
    const left = place === null ? -10 : uplot.valToPos(this.xs[place], "x");
    uplot.setCursor({ left, top: place === null ? -10 : uplot.over.clientHeight / 2 }, false);
    this.show(place);
  }

  /** Request the explanation of a number with the button in the table. */
  explain() {
    if (this.at === null) return;
    const which = this.numbers[0][this.at];
    const date = which === undefined ? "" : this.drawing.lines[0].dates[which];
    const button = this.figure.querySelector(`button[name=on][value="${date}"]`);
    button?.click();
  }
}

/** The range of the axis of values; bars begin at 0. */
function limits(least, most, { isBars }) {
  if (least === null || most === null) return [0, 1];
  const [low, high] = isBars ? [Math.min(least, 0), Math.max(most, 0)] : [least, most];
  if (low === high) return low === 0 ? [0, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1];
  const room = (high - low) * 0.08;
  // Not below 0 unless a value is.
  return [low >= 0 ? Math.max(0, isBars ? 0 : low - room) : low - room, high > 0 ? high + room : 0];
}

drawAll();
document.addEventListener("htmx:afterSettle", drawAll);
dark.addEventListener("change", () => {
  for (const chart of drawn.values()) chart.draw();
});
