// Turns the numbers of the page into the form that uPlot draws.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const UNITS = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]];

/** Seconds since 1970 of a day written as 2026-11-24. */
export const secondsOf = (day) => Date.parse(`${day}T00:00Z`) / 1000;

/** The label of a day. */
export function day(seconds, { year = true } = {}) {
  const at = new Date(seconds * 1000);
  const text = `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`;
  return year ? `${text} ${at.getUTCFullYear()}` : text;
}

/** A month with its whole year: two digits of the year would look like a day. */
function month(seconds) {
  const at = new Date(seconds * 1000);
  return `${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
}

/** The short label of a bucket, for an axis. */
export function tick(seconds, granularity) {
  return granularity === "month" ? month(seconds) : day(seconds, { year: false });
}

/** The label of a bucket, as in the table. */
export function bucket(seconds, granularity) {
  const at = new Date(seconds * 1000);
  if (granularity === "week") return `${at.getUTCDay() === 1 ? "Week of" : "Week from"} ${day(seconds)}`;
  if (granularity === "month" && at.getUTCDate() === 1) return month(seconds);
  return granularity === "month" ? `Month from ${day(seconds)}` : day(seconds);
}

/** A number in full. */
export function full(value, unit) {
  if (unit === "percent") return `${value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}%`;
  return value.toLocaleString("en", { maximumFractionDigits: 2 });
}

/** A number in three digits or so, for an axis. */
export function short(value, unit) {
  const size = Math.abs(value);
  const [by, letter] = UNITS.find(([least]) => size >= least) ?? [1, ""];
  const text = `${Number((value / by).toPrecision(4))}${letter}`;
  return unit === "percent" ? `${text}%` : text;
}

/**
 * Return the days that any line has, and the values of each line on these days. A line
 * continues over days that only another line has (undefined), and breaks where its own
 * value is unknown (null).
 */
export function laidOver(lines) {
  const moved = lines.map((line) => line.dates.map(secondsOf));
  const xs = [...new Set(moved.flat())].sort((one, other) => one - other);
  const places = moved.map((days) => new Map(days.map((at, number) => [at, number])));
  return { xs, numbers: places.map((place) => xs.map((at) => place.get(at))) };
}

/** Two lines: the finished buckets, and the unfinished ones with the one before. */
export function inTwo(line, numbers) {
  const partial = new Set(line.partial);
  const pick = (takes) => numbers.map((number) => {
    if (number === undefined) return undefined;
    return takes(number) ? line.values[number] : null;
  });
  const first = line.partial.length ? line.partial[0] : Infinity;
  return [pick((number) => !partial.has(number)), pick((number) => partial.has(number) || number === first - 1)];
}

/** Every n-th of the days, so that the labels fit. */
export function ticks(xs, most) {
  const step = Math.max(1, Math.ceil(xs.length / Math.max(1, most)));
  return xs.filter((_, number) => number % step === 0);
}

/** A line on another scale: without values that have no logarithm, or from 100 on. */
export function scaled(line, scale) {
  if (scale === "log") return { ...line, values: line.values.map((value) => (value > 0 ? value : null)) };
  if (scale !== "index") return line;
  const start = line.values.find((value) => value > 0);
  return { ...line, values: line.values.map((value) => (value === null || !start ? null : (100 * value) / start)) };
}

/** Return the marks by the number of their bucket. */
export function marksAt(xs, marks) {
  const found = new Map();
  for (const mark of marks) {
    const at = secondsOf(mark.date);
    const place = xs.findLastIndex((start) => start <= at);
    if (place >= 0) found.set(place, [...(found.get(place) ?? []), mark]);
  }
  return found;
}
