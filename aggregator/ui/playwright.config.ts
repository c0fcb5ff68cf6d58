// The browser tests: one real Cicada after the other, in the system's own Chromium.
import { join } from "node:path";
import { defineConfig } from "@playwright/test";

/** Where screenshots, and what is left of failed tests, go. */
export const OUTPUT = join(import.meta.dirname, "../../test-output/browser");

/** Where the documents and their pictures are. */
export const DOCS = join(import.meta.dirname, "../../docs");

/** What keeps Chromium from talking to anyone but the page, and lets it run in a container as root. */
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export default defineConfig({
  testDir: "tests",
  outputDir: join(OUTPUT, "failures"),
  // each test has a machine's worth of traffic beside it
  workers: 1,
  // however busy the machine is
  timeout: 600_000,
  expect: { timeout: 120_000 },
  reporter: "list",
  forbidOnly: true,
  use: {
    acceptDownloads: true,
    actionTimeout: 120_000,
    browserName: "chromium",
    headless: true,
    launchOptions: { executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: QUIET },
    screenshot: "only-on-failure",
    viewport: { width: 1400, height: 900 },
  },
});
