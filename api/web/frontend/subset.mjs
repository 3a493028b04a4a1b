// Write the subsets of Inter that pages load: Latin, in the weights that styles use.
// Most pages need the first alone; browsers load the second for a name with other letters.
// Other scripts are drawn with fonts of the reader's machine.

import { readFile, writeFile } from "node:fs/promises";
import subsetFont from "subset-font";

const [, , source, first, second] = process.argv;

const between = (first, last) => Array.from({ length: last - first + 1 }, (_, at) => String.fromCodePoint(first + at)).join("");
// The unicode-range of each face in tokens.css is the same.
const signs = "\u00a0·×–—‘’“”•…€←↑→↓−";
const common = between(0x20, 0x7e) + signs;
const others = between(0xa1, 0xff) + "ŒœŠšŽžŸıˆ˜‚„‹›";

const font = await readFile(source);
const subset = async (text) => subsetFont(font, text, {
  targetFormat: "woff2",
  // Letters keep their distances, and tables have figures of one width.
  keepFeatures: ["kern", "tnum"],
  variationAxes: { wght: { min: 400, max: 700 } },
  noHinting: true,
  // The copyright, and the licence with its address.
  preserveNameIds: [0, 13, 14],
});
await writeFile(first, await subset(common));
await writeFile(second, await subset([...others].filter((letter) => !signs.includes(letter)).join("")));
