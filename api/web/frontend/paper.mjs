// Write the fonts of PDF files and of charts in mails: Inter in two weights, as TrueType,
// since the libraries that draw those read neither WOFF nor variable fonts. Each weight is
// one file: of several with one name they would take letters from other fonts.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import subsetFont from "subset-font";

const [, , source, target] = process.argv;

const between = (first, last) => Array.from({ length: last - first + 1 }, (_, at) => String.fromCodePoint(first + at)).join("");
// Names of creators have letters of Latin, Greek and Cyrillic with all their marks.
const letters = between(0x20, 0x7e) + between(0xa0, 0x24f) + between(0x2b0, 0x2ff) + between(0x370, 0x45f) + between(0x490, 0x491) + between(0x1e00, 0x1eff);
const signs = between(0x2010, 0x2027) + between(0x2030, 0x203a) + "€₴₽№™←↑→↓−▲▼";

const font = await readFile(source);
for (const wght of [400, 600]) {
  const subset = await subsetFont(font, letters + signs, {
    targetFormat: "truetype",
    keepFeatures: ["kern", "tnum"],
    variationAxes: { wght, opsz: 14 },
    noHinting: true,
    // The name, by which fonts are found, the copyright, and the licence with its address.
    preserveNameIds: [0, 1, 2, 4, 6, 13, 14, 16, 17],
  });
  await writeFile(join(target, `inter-${wght}.ttf`), subset);
}
