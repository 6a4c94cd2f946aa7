// Bundles each panel's module, with all that it imports, into one file beside its Python class.
// The bundles are checked in: an install needs neither Node nor a network.
//
//     npm ci && npm run build [-- FOLDER]
import { build } from "esbuild";

const panels = [
  "chaos",
  "cluster",
  "lab",
  "live_metrics",
  "supervision",
  "topology",
  "trace",
  "verdict",
  "workload",
];

await build({
  entryPoints: panels.map((name) => `front/${name}.js`),
  outdir: process.argv[2] ?? "resilkit_widgets/static",
  bundle: true,
  format: "esm",
  target: ["es2022", "chrome105", "firefox121", "safari16"], // which know no nested styles but :has
  minify: true,
  legalComments: "inline",
  charset: "utf8",
  banner: { js: "/* Includes uPlot, (c) 2022 Leon Sorokin, MIT licence. Built by widgets/build.mjs. */" },
  logLevel: "warning",
});
