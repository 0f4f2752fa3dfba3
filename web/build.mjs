// Bundles the scripts and styles of the pages. With --check it writes nothing and fails if a committed file differs.
import { readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const target = join(here, "../src/mechshare/entrypoints/web/static");
const { outputFiles } = await build({
  absWorkingDir: here,
  entryPoints: [
    "src/app.css",
    "src/app.ts",
    "src/watch.ts",
    "src/model.ts",
    "src/compare.ts",
    "src/upload.ts",
    "src/manage.ts",
  ],
  outdir: target,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome123", "firefox120", "safari17.5"],
  charset: "utf8",
  legalComments: "none",
  write: false,
});

let stale = 0;
for (const { path, contents } of outputFiles) {
  if (!process.argv.includes("--check")) {
    await writeFile(path, contents);
  } else if (!Buffer.from(contents).equals(await readFile(path).catch(() => Buffer.alloc(0)))) {
    console.error(`${basename(path)} is not what the sources give. Run: nox -s web`);
    stale = 1;
  }
}
process.exit(stale);
