// Locust's own web page works with Cicada's API: it is never reloaded here.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";

import { LocustPage } from "./support/locust-page";
import { Cicada } from "./support/programs";
import { expect, openTab, picture, test } from "./support/watched";

/** How long the target takes for a slow request, in milliseconds. */
const SLOW = 20_000;

let target: Server;
let cicada: Cicada;
let locust: LocustPage;
let folder: string;

test.beforeAll(async () => {
  target = createServer((asked, answer) => {
    const wait = asked.url === "/slow" ? SLOW : 5;
    const status = asked.url === "/broken" ? 500 : 200;
    setTimeout(() => answer.writeHead(status).end("done"), wait);
  });
  await new Promise<void>((listening) => target.listen(0, "127.0.0.1", listening));
  const { port } = target.address() as AddressInfo;
  folder = mkdtempSync(join(tmpdir(), "cicada-locust-page-"));
  const workload = join(folder, "workload.toml");
  const task = (name: string, path: string, pacing: number) =>
    `[class.${name}]\nhost = "t"\nwait = "constant_pacing(${pacing})"\ntask.go.request = "GET ${path}"\n`;
  writeFileSync(
    workload,
    `[hosts.t]\nurl = "http://127.0.0.1:${port}"\n` +
      task("Quick", "/quick", 0.5) +
      task("Slow", "/slow", 1) +
      task("Broken", "/broken", 1),
  );
  cicada = await Cicada.ready("-f", workload);
  locust = await LocustPage.before(cicada.url);
});

test.afterAll(async () => {
  await locust?.stop();
  await cicada?.stop();
  target?.closeAllConnections();
  target?.close();
  rmSync(folder, { recursive: true });
});

const banner = (page: Page) => page.getByRole("banner");
const count = async (page: Page, name: string) => {
  const row = page.getByRole("row").filter({ hasText: name }).first();
  return Number(await row.getByRole("cell").nth(2).textContent());
};

async function start(page: Page, users: number): Promise<void> {
  await page.getByLabel("Number of users (peak concurrency)").fill(String(users));
  await page.getByLabel("Ramp up").fill(String(users));
  await page.getByRole("button", { name: "Start" }).click();
  await expect(banner(page).getByText(/^running$/i)).toBeVisible();
}

async function stop(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Stop" }).click();
  // requests of 20 s are under way, and are waited for
  await expect(banner(page).getByText(/^stopped$/i)).toBeVisible({ timeout: SLOW + 120_000 });
  await expect(page.getByRole("button", { name: "New", exact: true })).toBeVisible();
}

test("a run is started, looked at, edited, stopped, reset and followed by another", async ({ page }) => {
  await page.goto(locust.url);
  await expect(page.getByRole("heading", { name: "Start new load test" })).toBeVisible();
  await start(page, 6);
  await expect.poll(() => count(page, "GET /quick")).toBeGreaterThan(0);

  const shows: Record<string, () => ReturnType<Page["locator"]>> = {
    Charts: () => page.locator("canvas").nth(2),
    Failures: () => page.getByRole("cell", { name: "/broken" }).first(),
    Exceptions: () => page.getByRole("columnheader", { name: "Traceback" }),
    "Current Ratio": () => page.getByText("Quick").first(),
    "Download Data": () => page.getByRole("link", { name: "Download requests CSV" }),
    Logs: () => page.getByText("Ramping to"),
    Statistics: () => page.getByRole("row").filter({ hasText: "Aggregated" }),
  };
  for (const [title, shown] of Object.entries(shows)) {
    await openTab(page, title);
    await expect(shown(), title).toBeVisible();
  }

  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("Number of users (peak concurrency)").fill("9");
  await page.getByLabel("Ramp up").fill("9");
  await page.getByRole("button", { name: "Update" }).click();
  await expect(banner(page).getByText("9", { exact: true })).toBeVisible();
  await picture(page, "locust-page");

  await stop(page);
  const { state, user_count } = await cicada.get<{ state: string; user_count: number }>("stats/requests");
  expect([state, user_count]).toEqual(["stopped", 0]);
  const counted = await count(page, "Aggregated");
  expect(counted).toBeGreaterThan(10);

  await page.getByRole("button", { name: "New", exact: true }).click();
  await start(page, 3);
  // another run counts anew
  await expect.poll(() => count(page, "Aggregated")).toBeLessThan(counted);

  await expect.poll(() => count(page, "GET /quick")).toBeGreaterThan(8);
  await page.getByRole("button", { name: "Reset" }).click();
  await expect.poll(() => count(page, "GET /quick")).toBeLessThan(8);
  await stop(page);
});
