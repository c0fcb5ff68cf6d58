// Runs that are kept: named, compared, in parts, and deleted; by keyboard too.
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { Cicada } from "./support/programs";
import { expect, openTab, overflow, picture, test } from "./support/watched";

test.describe.configure({ mode: "serial" });

let cicada: Cicada;

const WIDTHS = [320, 390, 768, 1024, 1200, 1280, 1440, 1920];

interface Runs {
  runs: { id: string; state: string; num_requests: number | null; parts: { id: string }[] }[];
}

const newest = async () => (await cicada.get<Runs>("runs?limit=1")).runs[0];

/** A run of some seconds; true requests are sent. */
async function play(): Promise<string> {
  await fetch(`${cicada.url}swarm`, { method: "POST", body: new URLSearchParams({ user_count: "60", spawn_rate: "60" }) });
  await expect.poll(async () => (await newest())?.num_requests ?? 0, { timeout: 60_000 }).toBeGreaterThan(60);
  return (await newest())?.id ?? "";
}

async function stop(): Promise<void> {
  await fetch(`${cicada.url}stop`);
  await expect.poll(async () => (await newest())?.state, { timeout: 60_000 }).toBe("stopped");
}

let first: string;
let second: string;

test.beforeAll(async () => {
  cicada = await Cicada.ready();
  first = await play();
  await fetch(`${cicada.url}stats/reset`);
  await expect.poll(async () => (await newest())?.num_requests ?? 0, { timeout: 60_000 }).toBeGreaterThan(30);
  await stop();
  second = await play();
});

test.afterAll(() => cicada?.stop());

async function faults(page: Page): Promise<string[]> {
  await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== "running"));
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return serious.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}

async function fits(page: Page, name: string): Promise<void> {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    await expect.poll(() => overflow(page), { message: `${name} at ${width} pixels` }).toBe(0);
    if ([390, 1024, 1440].includes(width)) await picture(page, `${name}-${width}`);
  }
  expect(await faults(page), name).toEqual([]);
}

test("a run gets a name and a note by keyboard, and the bar, the list and the report show them", async ({ page }) => {
  await page.goto(`${cicada.url}?tab=runs`);
  const row = page.getByRole("row").nth(1);
  await row.getByRole("button", { name: /^Name and note of/ }).focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Name and note" });
  await expect(dialog.getByLabel("Name", { exact: true })).toBeFocused();
  await page.keyboard.type("with cache");
  await dialog.getByLabel("Note").fill("image 1.4.2\nsecond try");
  expect(await faults(page), "the dialog").toEqual([]);
  await picture(page, "run-name");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(row).toContainText("with cache");
  await page.reload();
  await expect(page.getByRole("banner")).toContainText("with cache");
  await page.goto(`${cicada.url}?run=${second}`);
  await expect(page.getByRole("heading", { name: "with cache" })).toBeVisible();
  await expect(page.getByText("image 1.4.2")).toBeVisible();
  await page.goto(`${cicada.url}runs/${second}/stats/report`);
  await expect(page.getByRole("heading", { name: "with cache" })).toBeVisible();
});

test("what was counted before a reset is a part that can be opened, and sent as an address", async ({ page }) => {
  await page.goto(`${cicada.url}?tab=runs`);
  await page.getByRole("button", { name: /^before the reset of/ }).click();
  await expect(page).toHaveURL(new RegExp(`run=${first}\\.1`));
  await expect(page.getByRole("heading", { name: /before the reset of/ })).toBeVisible();
  await expect(page.getByRole("row").last()).toContainText("Aggregated");
  await openTab(page, "Charts");
  await expect(page.getByRole("figure").first()).toBeVisible();
  await page.getByRole("button", { name: "The whole run" }).click();
  const parts = page.getByRole("table", { name: "Before the resets" });
  await expect(parts.getByRole("row")).toHaveCount(2);
  await fits(page, "run-with-parts");
  await page.goto(`${cicada.url}runs/${first}/stats/report`);
  await expect(page.getByRole("heading", { name: "Before the resets" })).toBeVisible();
});

for (const theme of ["light", "dark"] as const) {
  test.describe(theme, () => {
    test.use({ colorScheme: theme });

    test(`two runs are compared row by row, at an address, in the ${theme}`, async ({ page }) => {
      await page.goto(`${cicada.url}?run=${first}&tab=compare`);
      await expect(page.getByText("Choose the run that this one is compared with.")).toBeVisible();
      await page.getByLabel("Baseline").selectOption(`${first}.1`);
      await expect(page).toHaveURL(new RegExp(`baseline=${first}\\.1`));
      const table = page.getByRole("table", { name: "This run and the baseline" });
      const total = table.getByRole("row").last();
      await expect(total).toContainText("Aggregated");
      await expect(total).toContainText(/chance|slower|faster|fails|requests/i);
      await expect(total).toContainText(/was [\d,]+/);
      await page.reload();
      await expect(total).toContainText("Aggregated");
      await fits(page, `compare-${theme}`);
    });
  });
}

test("a run that is on is not deleted, one that is over is, once somebody is sure", async ({ page }) => {
  await page.goto(`${cicada.url}?tab=runs`);
  const rows = page.getByRole("table", { name: "Runs" }).getByRole("row");
  await expect(rows).toHaveCount(3);
  await expect(rows.nth(1).getByRole("button", { name: /^Delete/ })).toBeDisabled();
  await fits(page, "runs");
  const remove = rows.nth(2).getByRole("button", { name: /^Delete/ });
  await remove.click();
  const question = page.getByRole("dialog", { name: "Delete this run?" });
  expect(await faults(page), "the question").toEqual([]);
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(rows).toHaveCount(3);
  await remove.click();
  await question.getByRole("button", { name: "Delete" }).click();
  await expect(rows).toHaveCount(2);
  expect((await cicada.get<Runs>("runs")).runs.map(({ id }) => id)).toEqual([second]);
});
