// Turns the numbers of the page into the form that uPlot draws.

import { number, percent, percentShortly, short } from "./numbers.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

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

/** An age in days, of a point of a chart whose points are ages. */
export function age(seconds, born) {
  const days = Math.round((seconds - secondsOf(born)) / 86400);
  return `${days} ${days === 1 ? "day" : "days"}`;
}

/** The label of a bucket, as in the table. */
export function bucket(seconds, granularity) {
  const at = new Date(seconds * 1000);
  if (granularity === "week") return `${at.getUTCDay() === 1 ? "Week of" : "Week from"} ${day(seconds)}`;
  if (granularity === "month" && at.getUTCDate() === 1) return month(seconds);
  return granularity === "month" ? `Month from ${day(seconds)}` : day(seconds);
}

/** A value in full. */
export const full = (value, unit) => (unit === "percent" ? percent(value) : number(value));

/** A value in few digits, for an axis. */
export const shortly = (value, unit) => (unit === "percent" ? percentShortly(value) : short(value));

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

/** Units of a step between two labels of an axis, times a power of ten. */
const STEPS = [1, 2, 5, 10];

/**
 * The labels of an axis of values: round numbers with equal steps, which differ in the
 * three digits that are written, from at or below the least value to at or above the
 * largest one.
 */
export function roundLabels(least, most, { unit = "count", amount = 5 } = {}) {
  const size = Math.max(Math.abs(least), Math.abs(most), 1e-9);
  const [low, high] = least === most ? [least - size * 0.1, most + size * 0.1] : [least, most];
  const written = { percent: size < 10 ? 0.1 : 1, count: 1 }[unit] ?? 0;
  const finest = Math.max(written, 10 ** (Math.floor(Math.log10(size)) - 2));
  const wanted = Math.max((high - low) / amount, finest);
  const power = 10 ** Math.floor(Math.log10(wanted) + 1e-9);
  const step = power * STEPS.find((each) => each * power >= wanted * (1 - 1e-9));
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  // A fraction such as 3 * 0.1 is not the number that it stands for.
  return Array.from({ length: Math.max(2, last - first + 1) }, (_, number) => Number(((first + number) * step).toPrecision(12)));
}

/** The ordinary value is flat if the largest one is more times larger. */
const FLAT = 10;
/** A break is worth its while if the rest is drawn so many times larger. */
const GAIN = 2.5;
/** With fewer values a large one is no exception. */
const FEWEST = 8;

/**
 * Return the largest value that is no outlier if one or two values would flatten all
 * others, and null if none would.
 */
export function withoutOutliers(values) {
  const known = values.filter((value) => value !== null && value !== undefined).map(Math.abs).sort((one, other) => other - one);
  if (known.length < FEWEST) return null;
  const there = known.filter((value) => value > 0);
  if (!(known[0] > FLAT * there[Math.floor(there.length / 2)])) return null;
  return known.slice(1, 3).find((value) => value > 0 && known[0] > GAIN * value) ?? null;
}

/** A line whose largest value is so many times smaller than another's is flat beside it. */
const FAR_APART = 20;

/** Return the numbers of the lines that fit on one axis, in bands, the largest first. */
export function bandsOf(lines) {
  const sized = lines.map(({ values }, number) => ({ number, size: Math.max(0, ...values.map((value) => Math.abs(value ?? 0))) }));
  const bands = [];
  for (const each of sized.sort((one, other) => other.size - one.size)) {
    const band = bands.at(-1);
    // A line without a value but 0 needs no axis.
    if (band && (each.size === 0 || band[0].size <= FAR_APART * each.size)) band.push(each);
    else bands.push([each]);
  }
  return bands.map((band) => band.map(({ number }) => number));
}

/** The places of points without a known neighbour, which no line shows. */
export function lonePoints(values) {
  const near = (place, way) => {
    let at = place + way;
    while (values[at] === undefined && at >= 0 && at < values.length) at += way;
    return values[at] ?? null;
  };
  return values.flatMap((value, place) => (typeof value === "number" && near(place, -1) === null && near(place, 1) === null ? [place] : []));
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
