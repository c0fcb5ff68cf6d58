// How the page is built: for any base path, with compressed twins of what is worth compressing.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/** A folder of the crate that embeds it. */
const PAGE = join(import.meta.dirname, "../web/page");

/** Where `npm run dev` finds a Cicada. */
const SERVER = process.env["CICADA_URL"] ?? "http://localhost:8089";

/** What stands in index.html where the server writes the template arguments. */
const MARKER = "TEMPLATE_ARGS";

/** Removes what an earlier build left; the folder itself stays, with the file that keeps it out of git. */
function clean(): Plugin {
  return {
    name: "clean",
    apply: "build",
    buildStart() {
      for (const entry of readdirSync(PAGE)) {
        if (entry !== ".gitignore") rmSync(join(PAGE, entry), { recursive: true });
      }
    },
  };
}

/** Writes a .gz and a .br beside every text that is served as it is. */
function compress(): Plugin {
  const texts = new Set([".css", ".js", ".md", ".svg"]);
  return {
    name: "compress",
    apply: "build",
    closeBundle() {
      for (const entry of readdirSync(PAGE, { recursive: true, encoding: "utf8" })) {
        if (!texts.has(extname(entry))) continue;
        const path = join(PAGE, entry);
        const text = readFileSync(path);
        writeFileSync(`${path}.gz`, gzipSync(text, { level: 9 }));
        const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
        writeFileSync(`${path}.br`, brotliCompressSync(text, { params: quality }));
      }
    },
  };
}

/** Does in development what the server does: writes the template arguments into the page. */
function templateArgs(): Plugin {
  return {
    name: "template-args",
    apply: "serve",
    async transformIndexHtml(html) {
      const answer = await fetch(`${SERVER}/template-args`);
      return html.replace(MARKER, (await answer.text()).replaceAll("<", "\\u003c"));
    },
  };
}

/** Paths that are the page's own in development; all others are the server's. */
const OWN = /^\/(?:$|\?|@|src\/|node_modules\/|assets\/cicada\.svg)/;

export default defineConfig({
  base: "./",
  build: {
    outDir: PAGE,
    emptyOutDir: false,
    target: "es2022",
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // it is one page for all
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      // a "use client" is for frameworks that render on a server
      onLog: (level, log, write) => log.code === "MODULE_LEVEL_DIRECTIVE" || write(level, log),
    },
    license: { fileName: "assets/licenses.md" },
  },
  plugins: [clean(), compress(), templateArgs()],
  server: {
    proxy: {
      "/": { target: SERVER, changeOrigin: true, bypass: ({ url = "/" }) => (OWN.test(url) ? url : undefined) },
    },
  },
});
