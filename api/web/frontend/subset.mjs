// Write the subset of Inter that pages load: Latin, in the weights that styles use.
// Other scripts are drawn with fonts of the reader's machine.

import { readFile, writeFile } from "node:fs/promises";
import subsetFont from "subset-font";

const [, , source, target] = process.argv;

const between = (first, last) => Array.from({ length: last - first + 1 }, (_, at) => String.fromCodePoint(first + at)).join("");
const text = between(0x20, 0x7e) + between(0xa0, 0xff) + "ŒœŠšŽžŸıˆ˜–—‘’‚“”„•…‹›€−←↑→↓";

const font = await subsetFont(await readFile(source), text, {
  targetFormat: "woff2",
  // Letters keep their distances, and tables have figures of one width.
  keepFeatures: ["kern", "tnum"],
  variationAxes: { wght: { min: 400, max: 700 } },
  noHinting: true,
  // The copyright, and the licence with its address.
  preserveNameIds: [0, 13, 14],
});
await writeFile(target, font);
