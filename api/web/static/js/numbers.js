// The form of numbers on pages, as filters.py writes them.

const UNITS = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]];

// Intl rounds half away from zero, by the shortest decimal text of a number.
const threeDigits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, useGrouping: false });
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1, signDisplay: "negative" });
const units = new Intl.NumberFormat("en", { maximumFractionDigits: 0, signDisplay: "negative" });
const hundredths = new Intl.NumberFormat("en", { maximumFractionDigits: 2, signDisplay: "negative" });
const allHundredths = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** A number in full, of a fraction at most two decimals. */
export const number = (value) => hundredths.format(value);

/** A percentage in full. */
export const percent = (value) => `${allHundredths.format(value)}%`;

/** A number in three digits, rounded half up, without zeros at its end. */
export function short(value) {
  const rounded = Number(threeDigits.format(value));
  const [by, letter] = UNITS.find(([least]) => Math.abs(rounded) >= least) ?? [1, ""];
  // The division of a rounded number may leave a fraction in the last digits.
  return `${Number((rounded / by).toPrecision(12))}${letter}`;
}

/** A percentage without decimals, or with one where it is under 10. */
export function percentShortly(value) {
  const text = tenths.format(value);
  return `${Math.abs(Number(text.replaceAll(",", ""))) < 10 ? text : units.format(value)}%`;
}
