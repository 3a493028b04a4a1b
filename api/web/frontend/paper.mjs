// Write the fonts of PDF files and of charts in mails: Inter in two weights, as TrueType,
// since what draws those reads neither WOFF nor variable fonts.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import subsetFont from "subset-font";

const [, , folder, target] = process.argv;

const between = (first, last) => Array.from({ length: last - first + 1 }, (_, at) => String.fromCodePoint(first + at)).join("");
// Names of creators have the letters of any of these.
const LETTERS = {
  latin: `${between(0x20, 0x7e)}${between(0xa0, 0xff)}ŒœŠšŽžŸıˆ˜·×–—‘’‚“”„‹›•…€←↑→↓−▲▼`,
  "latin-ext": between(0x100, 0x24f) + between(0x1e00, 0x1eff),
  greek: between(0x370, 0x3ff),
  cyrillic: between(0x400, 0x45f) + "Ґґ№",
};

for (const [script, letters] of Object.entries(LETTERS)) {
  const font = await readFile(join(folder, `inter-${script}-wght-normal.woff2`));
  for (const wght of [400, 600]) {
    const subset = await subsetFont(font, letters, {
      targetFormat: "truetype",
      keepFeatures: ["kern", "tnum"],
      variationAxes: { wght },
      noHinting: true,
      // The name, by which fonts are found, the copyright, and the licence with its address.
      preserveNameIds: [0, 1, 2, 4, 6, 13, 14, 16, 17],
    });
    await writeFile(join(target, `inter-${script}-${wght}.ttf`), subset);
  }
}
