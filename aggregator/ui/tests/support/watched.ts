// A page that is watched: nothing may go wrong in it unseen.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test as base, expect, type Page } from "@playwright/test";

import { DOCS, OUTPUT } from "../../playwright.config";

/** What a test knows to go wrong. */
export interface Watch {
  /** The server will say no with this status from now on, and Chromium will complain about it. */
  expectStatus: (status: number) => void;
}

export const test = base.extend<{ watch: Watch }>({
  watch: [
    async ({ page }, use) => {
      const wrong: string[] = [];
      const expected = new Set<number>();
      watchPage(page, wrong, expected);
      page.context().on("page", (opened) => watchPage(opened, wrong, expected));
      await use({ expectStatus: (status) => expected.add(status) });
      expect(wrong, "what went wrong in the page").toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

function watchPage(page: Page, wrong: string[], expected: Set<number>): void {
  page.on("pageerror", (error) => wrong.push(`an error: ${error.stack ?? error.message}`));
  page.on("console", (message) => {
    const status = /server responded with a status of (\d+)/.exec(message.text())?.[1];
    const isExpected = status !== undefined && expected.has(Number(status));
    if (message.type() === "error" && !isExpected) wrong.push(`the console: ${message.text()}`);
  });
  page.on("response", (response) => {
    if (response.status() < 400 || expected.has(response.status())) return;
    wrong.push(`${response.status()}: ${response.request().method()} ${response.url()}`);
  });
  page.on("requestfailed", (request) => {
    // what a page has asked for when it is left, and what becomes a download
    const why = request.failure()?.errorText;
    if (why !== "net::ERR_ABORTED") wrong.push(`${why}: ${request.url()}`);
  });
}

/** All tabs, by their keys in the address and their titles, in order. */
export const TABS = {
  stats: "Statistics",
  charts: "Charts",
  failures: "Failures",
  exceptions: "Exceptions",
  ratios: "Current Ratio",
  metrics: "Metrics",
  logViewer: "Logs",
  ab: "A/B",
  compare: "Compare",
  ledger: "Ledger",
  runs: "Runs",
  reports: "Download Data",
  schedules: "Schedules",
  workload: "Workload",
  cost: "Cost",
};

export const openTab = (page: Page, title: string) => page.getByRole("tab", { name: title, exact: true }).click();

/** Stops a run that was started elsewhere: the page asks first. */
export async function stopOthers(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("dialog", { name: "Stop?" }).getByRole("button", { name: "Stop" }).click();
  await expect(page.getByRole("button", { name: "New", exact: true })).toBeVisible();
}

/** Keeps a picture of the page, or of all of it, among the tests' output. */
export async function picture(page: Page, name: string, fullPage = false): Promise<void> {
  mkdirSync(OUTPUT, { recursive: true });
  await page.screenshot({ path: join(OUTPUT, `${name}.png`), animations: "disabled", fullPage });
}

/** The same for the documents, which have it once `CICADA_WRITE_GENERATED=1` says so. */
export async function documentPicture(page: Page, name: string): Promise<void> {
  await picture(page, name);
  if (process.env["CICADA_WRITE_GENERATED"]) await page.screenshot({ path: join(DOCS, `${name}.png`), animations: "disabled" });
}

/** How far the page reaches beyond its window, in pixels. */
export const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
