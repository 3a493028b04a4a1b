// Charts: draws each chart of the page, whose values the pointer and the keyboard show.

import { age, bandsOf, bucket, full, inTwo, laidOver, lonePoints, marksAt, roundLabels, scaled, secondsOf, shortly, tick, ticks, withoutOutliers } from "./drawing.js";

const SCALES = [
  ["apart", "Apart", "Lines of another size have an axis of their own, one above the other"],
  ["linear", "Linear", "One axis with equal steps for equal numbers"],
  ["log", "Logarithmic", "Equal steps for equal factors: small lines are seen beside large ones"],
  ["index", "Index", "Every line begins at 100"],
];

// The heights below a chart: of the dates, and of the marks of posts under them.
const DATES = 28;
const POSTS = 16;

// On paper a chart is drawn for the width of a page of A4 or Letter.
const PAPER = { width: 690, height: 210, lowHeight: 130 };

const drawn = new Map();
let isOnPaper = false;
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
    this.drawing = JSON.parse(plot.dataset.chart);
    const { xs, numbers } = laidOver(this.drawing.lines);
    const marks = marksAt(xs, this.drawing.marks);
    Object.assign(this, { xs, numbers, marks, at: null, scale: this.drawing.isFarApart ? "apart" : "linear", isWhole: false, byTouch: false });
    this.outliers = this.findOutliers();
    this.listen();
    if (this.drawing.isFarApart) this.offerScales();
    if (this.outliers.length) this.offerWholeAxis();
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
    // Paper is light, and the theme of the screen still holds while it is prepared.
    if (isOnPaper) probe.style.colorScheme = "light";
    this.figure.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  draw() {
    this.uplot?.destroy();
    this.plot.replaceChildren();
    this.shown = this.drawing.lines.map((line) => scaled(line, this.scale));
    this.colours = Object.fromEntries(["series-ground", "series-grid", "series-prior", "muted", "baseline-colour", "band-colour", "mark-colour"].map((name) => [name, this.colour(name)]));
    this.bands = this.scale === "apart" ? bandsOf(this.shown) : null;
    // Two bands fit into the height of any chart; more of them need room for their labels.
    this.plot.style.height = this.bands?.length > 2 && !isOnPaper ? `${7 * this.bands.length}rem` : "";
    const shown = this.shown.flatMap((line, number) => this.series(line, this.numbers[number]).map(([series, values]) => [{ ...series, scale: this.scaleOf(number) }, values]));
    this.uplot = new uPlot(
      { ...this.size(), ...this.options(), series: [{}, ...shown.map(([series]) => series)] },
      [this.xs, ...shown.map(([, values]) => values)],
      this.plot,
    );
    this.tip = document.createElement("div");
    this.tip.className = "tip";
    this.tip.hidden = true;
    this.dots = Object.assign(document.createElement("div"), { className: "dots" });
    this.plot.append(this.dots, this.tip);
  }

  /** The values that would flatten all others, of whatever line: the axis breaks below them. */
  findOutliers() {
    const { isFlow, lines } = this.drawing;
    const limit = isFlow && !this.drawing.isFarApart ? withoutOutliers(lines.flatMap((line) => line.values)) : null;
    this.limit = limit;
    if (limit === null) return [];
    return lines.flatMap((line) => line.values.flatMap((value, number) => (Math.abs(value ?? 0) > limit ? [{ line, value, at: secondsOf(line.of[number]) }] : [])));
  }

  get isBroken() {
    return this.outliers.length > 0 && !this.isWhole && this.scale === "linear";
  }

  /** Say what is above the break of the axis, and offer the whole axis. */
  offerWholeAxis() {
    const { granularity, lines, noun, unit } = this.drawing;
    const isAlone = lines.filter((line) => !line.isPrior).length === 1;
    const said = this.outliers.map(({ line, value, at }) => `${bucket(at, granularity)} has ${full(value, unit)} ${noun}${isAlone ? "" : ` (${line.label})`}`);
    const text = document.createElement("span");
    text.textContent = `The axis is broken: ${said.join(", ")}.`;
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Show the whole axis" });
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      this.isWhole = !this.isWhole;
      button.setAttribute("aria-pressed", this.isWhole);
      this.draw();
    });
    const line = Object.assign(document.createElement("p"), { className: "broken small muted" });
    line.append(text, button);
    this.plot.after(line);
  }

  /** The scale of a line, which is that of its band if the lines are apart. */
  scaleOf(number) {
    return this.bands === null ? "y" : `y${this.bands.findIndex((band) => band.includes(number))}`;
  }

  /** Add buttons for the scales: apart, linear, logarithmic, or each line from 100 on. */
  offerScales() {
    const group = document.createElement("div");
    group.className = "segments";
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Scale");
    for (const [name, text, why] of SCALES) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: text, title: why });
      button.setAttribute("aria-pressed", name === this.scale);
      button.addEventListener("click", () => {
        this.scale = name;
        for (const each of group.children) each.setAttribute("aria-pressed", each === button);
        this.draw();
      });
      group.append(button);
    }
    this.figure.querySelector(".head").append(group);
  }

  options() {
    const { unit, isBars } = this.drawing;
    const ink = { stroke: this.colours.muted, grid: { stroke: this.colours["series-grid"], width: 1 }, ticks: { show: false }, font: `12px ${getComputedStyle(this.plot).fontFamily}` };
    const half = isBars ? this.step() / 2 : 0;
    const valued = this.scale === "index" ? "" : unit;
    const valueAxis = { ...ink, size: 56, values: (_, splits) => splits.map((value) => (value === null ? "" : shortly(value, valued))) };
    const bands = this.bands ?? [];
    return {
      padding: [12, 24, 0, 0],
      legend: { show: false },
      // Nothing is dragged, but uPlot mistakes the snapping for dragging and would stop the click.
      cursor: { drag: { x: false, y: false, click: () => {} }, y: false, points: { show: false }, move: (uplot, left, top) => [left < 0 ? left : Math.round(uplot.valToPos(this.xs[uplot.posToIdx(left)], "x")), top] },
      scales: {
        x: { time: false, range: (_, least, most) => (least === most ? [least - 43200, most + 43200] : [least - half, most + half]) },
        ...(this.bands ? {} : { y: this.scale === "log" ? { distr: 3 } : { range: (_, least, most) => this.rangeOf(least, most) } }),
        ...Object.fromEntries(bands.map((_, place) => [`y${place}`, { range: (_uplot, least, most) => this.rangeOfBand(place, least, most) }])),
      },
      axes: [
        { ...ink, size: this.hasPosts ? DATES + POSTS : DATES, grid: { show: false }, splits: (uplot) => ticks(this.xs, Math.floor(uplot.bbox.width / devicePixelRatio / 76)), values: (_, splits) => splits.map((at) => (this.drawing.born ? age(at, this.drawing.born) : tick(at, this.drawing.granularity))) },
        // Axes of one side stand side by side: all but the last one take no room.
        ...bands.map((_, place) => ({ ...valueAxis, scale: `y${place}`, side: 3, size: place === bands.length - 1 ? 56 : 0, splits: () => this.labels[place] })),
        ...(this.bands ? [] : [{ ...valueAxis, splits: (_, __, least, most) => (this.scale === "log" ? powers(least, most) : this.labels) }]),
      ],
      hooks: { setCursor: [(uplot) => this.follow(uplot.cursor.idx ?? null)], drawClear: [() => this.shade()], draw: [() => this.mark()] },
    };
  }

  /** The range of the axis of values, from its first label to its last one; bars begin at 0. */
  rangeOf(least, most) {
    const { isBars, unit } = this.drawing;
    if (least === null || most === null) [least, most] = [0, 0];
    const shortened = this.isBroken ? [Math.max(least, -this.limit), Math.min(most, this.limit)] : [least, most];
    const [low, high] = isBars || (least === 0 && most === 0) ? [Math.min(shortened[0], 0), Math.max(shortened[1], 0)] : shortened;
    const some = low === 0 && high === 0 ? 1 : high;
    this.labels = roundLabels(low, some, { unit: this.scale === "index" ? "" : unit });
    // There is room for the mark of the break above the last label.
    const room = this.isBroken ? (this.labels.at(-1) - this.labels[0]) * 0.12 : 0;
    return [this.labels[0] - (least < -this.limit && this.isBroken ? room : 0), this.labels.at(-1) + room];
  }

  /** The range of the axis of a band, of which the labels fill one part of the height. */
  rangeOfBand(place, least, most) {
    const amount = this.bands.length;
    const [low, high] = least === null || (least === 0 && most === 0) ? [0, 1] : [least, most];
    const labels = roundLabels(low, high, { unit: this.drawing.unit, amount: Math.max(2, Math.floor(6 / amount)) });
    this.labels = { ...this.labels, [place]: labels };
    const [first, last] = [labels[0], labels.at(-1)];
    const gap = 0.1;
    const whole = (last - first) / (1 / amount - gap);
    const bottom = first - whole * ((amount - 1 - place) / amount + gap / 2);
    return [bottom, bottom + whole];
  }

  get hasPosts() {
    return this.drawing.marks.some((mark) => mark.kind === "post");
  }

  /** The least distance between two points, which is the largest width of a bar. */
  step() {
    return Math.min(...this.xs.slice(1).map((at, number) => at - this.xs[number]), 2678400);
  }

  series(line, numbers) {
    const { isBars, lines } = this.drawing;
    const stroke = line.isPrior ? this.colours["series-prior"] : this.colour(`series-${line.series}`);
    const ground = this.colours["series-ground"];
    const show = line.isPrior ? false : undefined;
    if (isBars && !line.isPrior) return this.bars(line, numbers, { stroke, ground });
    const [over, going] = inTwo(line, numbers);
    // uPlot shows all points if they are few; a point without a neighbour is always shown.
    const lone = lonePoints(over);
    const points = { size: line.isPrior ? 4 : 6, width: 2, show, filter: (_, __, shows) => (shows ? null : lone) };
    const width = line.isPrior ? 1.5 : 2;
    // uPlot uses its own default only if the option is missing.
    const breaks = line.sharpened.length ? { gaps: (uplot, _series, _from, _to, nulls) => this.gaps(line, numbers, uplot, nulls) } : {};
    // 0 is a known number, but it has no logarithm.
    const spanGaps = this.scale === "log";
    const solid = [{ stroke, width, spanGaps, ...breaks, dash: line.isPrior ? [4, 4] : undefined, points: { ...points, fill: stroke, stroke } }, over];
    if (line.isPrior || !line.partial.length) return [solid];
    // The number of an unfinished day is no fall: it is a ring, to which no line leads.
    if (this.drawing.isFlow) going.forEach((_, place) => { if (!line.partial.includes(numbers[place])) going[place] = null; });
    const few = lines.length <= 2 || this.xs.length <= 120;
    return [solid, [{ stroke, width, ...breaks, dash: [5, 4], points: { ...points, show: few, size: 8, fill: ground, stroke, filter: (_, s, show) => (show ? this.partials(line, numbers) : []) } }, going]];
  }

  /** Only points of unfinished buckets are rings; the point before belongs to the solid line. */
  partials(line, numbers) {
    const partial = new Set(line.partial);
    return numbers.flatMap((number, place) => (partial.has(number) && line.values[number] !== null ? [place] : []));
  }

  /** Bars: full, or pale if the bucket is unfinished or cut by the period. */
  bars(line, numbers, { stroke }) {
    const pale = new Set([...line.partial, ...line.cut]);
    const pick = (takes) => numbers.map((number) => (number === undefined ? undefined : takes(number) ? line.values[number] : null));
    const paths = uPlot.paths.bars({ size: [0.7, 40], radius: 0.1 });
    const shared = { stroke, fill: stroke, width: 0, paths, points: { show: false } };
    return [
      [shared, pick((number) => !pale.has(number))],
      [{ ...shared, alpha: 0.45 }, pick((number) => pale.has(number))],
    ];
  }

  /** A band behind the unfinished buckets, whose numbers still grow. */
  shade() {
    const { ctx, bbox } = this.uplot;
    const half = this.step() / 2;
    ctx.save();
    ctx.fillStyle = this.colours["band-colour"];
    for (const [place, at] of this.xs.entries()) {
      const goes = this.drawing.lines.some((line, number) => !line.isPrior && line.partial.includes(this.numbers[number][place]));
      if (!goes) continue;
      const [from, to] = [at - half, at + half].map((x) => Math.min(bbox.left + bbox.width, Math.max(bbox.left, this.uplot.valToPos(x, "x", true))));
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
    }
    ctx.restore();
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
    this.markDays();
    if (this.isBroken) this.markBreaks();
  }

  /** Where a value is above the axis: two strokes across it, and the value itself. */
  markBreaks() {
    const { ctx, bbox } = this.uplot;
    const unit = devicePixelRatio;
    // Strokes reach no further than to the neighbouring days.
    const [first, second = first] = this.xs.map((at) => this.uplot.valToPos(at, "x", true));
    const reach = Math.max(8 * unit, Math.min(22 * unit, second - first));
    const written = [];
    ctx.save();
    ctx.font = `600 ${11 * unit}px ${getComputedStyle(this.plot).fontFamily}`;
    ctx.lineJoin = "round";
    for (const [number, line] of this.drawing.lines.entries()) {
      for (const [place, at] of this.xs.entries()) {
        const value = line.values[this.numbers[number][place]] ?? null;
        if (value === null || Math.abs(value) <= this.limit) continue;
        const x = this.uplot.valToPos(at, "x", true);
        const y = value > 0 ? bbox.top + 14 * unit : bbox.top + bbox.height - 14 * unit;
        ctx.lineWidth = 3 * unit;
        ctx.strokeStyle = this.colours["series-ground"];
        for (const offset of [-3, 3]) {
          ctx.beginPath();
          ctx.moveTo(x - reach, y + (offset + 3) * unit);
          ctx.lineTo(x + reach, y + (offset - 3) * unit);
          ctx.stroke();
        }
        const text = shortly(value, this.drawing.unit);
        const isRight = x > bbox.left + bbox.width / 2;
        ctx.fillStyle = line.isPrior ? this.colours["series-prior"] : this.colour(`series-${line.series}`);
        ctx.textAlign = "left";
        ctx.textBaseline = "middle";
        const width = ctx.measureText(text).width;
        const start = isRight ? x - reach - 4 * unit - width : x + reach + 4 * unit;
        // Outliers of neighbouring days have their values one below the other.
        let row = y;
        while (written.some((other) => other.row === row && start < other.end && other.start < start + width)) row += (value > 0 ? 13 : -13) * unit;
        written.push({ row, start, end: start + width });
        // The ground around the digits keeps them apart from lines and bars.
        ctx.strokeText(text, start, row);
        ctx.fillText(text, start, row);
      }
    }
    ctx.restore();
  }

  /** Triangles below the dates for posts; a line with a flag for notes and events of the log. */
  markDays() {
    const { ctx, bbox } = this.uplot;
    const size = 4 * devicePixelRatio;
    const foot = bbox.top + bbox.height;
    ctx.save();
    for (const [place, marks] of this.marks) {
      const x = Math.round(this.uplot.valToPos(this.xs[place], "x", true));
      const below = foot + (DATES + POSTS / 2) * devicePixelRatio;
      ctx.fillStyle = ctx.strokeStyle = this.colours.muted;
      ctx.beginPath();
      if (marks.some((mark) => mark.kind === "post")) {
        ctx.moveTo(x - size, below + size);
        ctx.lineTo(x + size, below + size);
        ctx.lineTo(x, below - size);
        ctx.fill();
      }
      if (marks.every((mark) => mark.kind === "post")) continue;
      ctx.fillStyle = ctx.strokeStyle = this.colours["mark-colour"];
      ctx.setLineDash([2 * devicePixelRatio, 2 * devicePixelRatio]);
      ctx.lineWidth = devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(x, foot);
      ctx.lineTo(x, bbox.top);
      ctx.stroke();
      // The flag of a note is filled, and that of an event of the log is not.
      ctx.setLineDash([]);
      ctx.beginPath();
      ctx.rect(x, bbox.top, 2 * size, 1.5 * size);
      if (marks.some((mark) => mark.kind === "note")) ctx.fill();
      ctx.stroke();
    }
    ctx.restore();
  }

  markPoints(name, stroke, shape) {
    const { ctx, bbox } = this.uplot;
    const size = 5 * devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = stroke;
    ctx.fillStyle = this.colours["series-ground"];
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.setLineDash([]);
    for (const [number, line] of this.shown.entries()) {
      if (line.isPrior) continue;
      const flagged = new Set(line[name]);
      for (const [place, at] of this.xs.entries()) {
        const which = this.numbers[number][place];
        if (which === undefined || !flagged.has(which)) continue;
        const value = line.values[which];
        const x = this.uplot.valToPos(at, "x", true);
        const y = value === null ? bbox.top + bbox.height - size : this.uplot.valToPos(value, this.scaleOf(number), true);
        ctx.beginPath();
        shape(ctx, x, y, size);
        ctx.fill();
        ctx.stroke();
      }
    }
    ctx.restore();
  }

  /** The gaps of a line: it does not lead to a point at which a rounded number became exact. */
  gaps(line, numbers, uplot, gaps) {
    const sharpened = new Set(line.sharpened);
    const position = (place) => Math.round(uplot.valToPos(this.xs[place], "x", true));
    const more = numbers.flatMap((number, place) => (place > 0 && sharpened.has(number) ? [[position(place - 1), position(place)]] : []));
    return [...gaps, ...more].sort(([one], [other]) => one - other);
  }

  size() {
    if (isOnPaper) return { width: PAPER.width, height: this.figure.matches(".small-charts > :not(:first-child)") ? PAPER.lowHeight : PAPER.height };
    return { width: Math.max(this.plot.clientWidth, 120), height: Math.max(this.plot.clientHeight, 120) };
  }

  resize() {
    const size = this.size();
    if (size.width !== this.uplot.width || size.height !== this.uplot.height) this.uplot.setSize(size);
  }

  /** Show the values at a position, and set the slider's value for screen readers. */
  show(place) {
    this.at = place;
    this.plot.setAttribute("aria-valuenow", place ?? this.xs.length - 1);
    this.plot.setAttribute("aria-valuetext", this.sentence(place ?? this.xs.length - 1));
    if (!this.tip) return;
    this.tip.hidden = this.dots.hidden = place === null;
    if (place === null) return;
    const title = document.createElement("strong");
    title.textContent = this.labelOf(place);
    this.tip.replaceChildren(title, ...this.rows(place).map((row) => this.tipRow(row)), ...this.happened(place).map((text) => Object.assign(document.createElement("span"), { className: "happened", textContent: text })), ...this.explainer());
    this.placeTip(place);
    this.markShown(place);
  }

  labelOf(place) {
    const { born, granularity } = this.drawing;
    return born ? age(this.xs[place], born) : bucket(this.xs[place], granularity);
  }

  /** Show the values at the pointer; those of a touch stay, since a finger does not hover. */
  follow(place) {
    if (place !== null || !this.byTouch) this.show(place);
  }

  /** Show the values where a finger was. */
  read(event) {
    const { left } = this.uplot.over.getBoundingClientRect();
    this.move(this.uplot.posToIdx(event.clientX - left));
  }

  /** A first touch reads; the button in what it shows asks for the reasons. */
  explainer() {
    if (!this.byTouch || !this.explains()) return [];
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Explain" });
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      this.explain();
    });
    return [button];
  }

  /** A dot on each line where it is read. */
  markShown(place) {
    const { over } = this.uplot;
    this.dots.replaceChildren(...this.shown.flatMap((line, number) => {
      const value = line.values[this.numbers[number][place]] ?? null;
      if (value === null || this.drawing.isBars) return [];
      const dot = document.createElement("i");
      dot.className = line.isPrior ? "series-prior" : `series-${line.series}`;
      dot.style.left = `${over.offsetLeft + this.uplot.valToPos(this.xs[place], "x")}px`;
      dot.style.top = `${over.offsetTop + this.uplot.valToPos(value, this.scaleOf(number))}px`;
      return [dot];
    }));
  }

  tipRow({ line, label, known, note }) {
    const row = document.createElement("span");
    const swatch = document.createElement("i");
    swatch.className = line.isPrior ? "series-prior" : `series-${line.series}`;
    const value = Object.assign(document.createElement("b"), { textContent: known });
    row.append(swatch, value, ` ${label}${note}`);
    return row;
  }

  /** Place the values next to the point, on the side with more room. */
  placeTip(place) {
    const over = this.uplot.over;
    const x = over.offsetLeft + this.uplot.valToPos(this.xs[place], "x");
    const isRight = x > this.plot.clientWidth / 2;
    const left = isRight ? x - this.tip.offsetWidth - 12 : x + 12;
    this.tip.style.left = `${Math.max(0, Math.min(left, this.plot.clientWidth - this.tip.offsetWidth))}px`;
  }

  /** Return the value of each line at a position, in words. */
  rows(place) {
    const { granularity, lines, noun, unit } = this.drawing;
    const isAlone = lines.filter((line) => !line.isPrior).length === 1;
    return lines.flatMap((line, number) => {
      const which = this.numbers[number][place];
      if (which === undefined) return [];
      const value = line.values[which];
      const known = value === null ? "unknown" : `${line.rounded.includes(which) ? "about " : ""}${full(value, unit)}`;
      const texts = { partial: "not over yet", baseline: "baseline", rounded: "rounded", sharpened: "became exact", cut: "only a part of it" };
      const notes = Object.entries(texts).flatMap(([name, text]) => (line[name].includes(which) ? [text] : []));
      if (this.scale === "index" && this.shown[number].values[which] !== null) notes.unshift(`index ${full(Math.round(this.shown[number].values[which]), "")}`);
      if (value < 0 && (unit === "percent" || noun.startsWith("new "))) notes.push("counts went down");
      const note = notes.length ? ` (${notes.join(", ")})` : "";
      const label = line.isPrior ? `before, ${bucket(secondsOf(line.of[which]), granularity)}` : isAlone ? noun : line.label;
      return [{ line, label, known, note, isAlone }];
    });
  }

  happened(place) {
    return (this.marks.get(place) ?? []).map((mark) => mark.text);
  }

  sentence(place) {
    const parts = this.rows(place).map(({ line, label, known, note, isAlone }) => (isAlone && !line.isPrior ? `${known} ${label}${note}` : `${label}: ${known}${note}`));
    return `${this.labelOf(place)}: ${[...parts, ...this.happened(place)].join("; ")}`;
  }

  listen() {
    const { plot } = this;
    plot.tabIndex = 0;
    plot.setAttribute("role", "slider");
    plot.setAttribute("aria-label", plot.dataset.label);
    plot.setAttribute("aria-valuemin", 0);
    plot.setAttribute("aria-valuemax", this.xs.length - 1);
    plot.classList.toggle("explainable", this.explains());
    plot.addEventListener("pointerdown", (event) => { this.byTouch = event.pointerType === "touch"; }, { capture: true });
    plot.addEventListener("keydown", (event) => this.press(event));
    plot.addEventListener("click", (event) => (this.byTouch ? this.read(event) : this.explain()));
    plot.addEventListener("blur", (event) => { if (!plot.contains(event.relatedTarget)) this.move(null); });
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

  explains() {
    return this.figure.querySelector("button[name=on]") !== null;
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

/** The powers of ten of a logarithmic axis. */
function powers(least, most) {
  const first = Math.ceil(Math.log10(least) - 1e-9);
  return Array.from({ length: Math.max(1, Math.floor(Math.log10(most) + 1e-9) - first + 1) }, (_, number) => 10 ** (first + number));
}

drawAll();

/** Draw all charts for paper, or for the screen again. */
function drawFor(paper) {
  if (paper === isOnPaper) return;
  isOnPaper = paper;
  for (const chart of drawn.values()) chart.draw();
}

// A program that prints changes the medium, and need not send the events.
addEventListener("beforeprint", () => drawFor(true));
addEventListener("afterprint", () => drawFor(false));
matchMedia("print").addEventListener("change", (medium) => drawFor(medium.matches));
document.addEventListener("htmx:afterSettle", drawAll);
dark.addEventListener("change", () => {
  for (const chart of drawn.values()) chart.draw();
});
