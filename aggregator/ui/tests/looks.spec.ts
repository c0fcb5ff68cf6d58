// How the page looks: every tab, by day and by night, at every size, and whether everybody can use it.
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { Cicada } from "./support/programs";
import { documentPicture, expect, openTab, overflow, picture, TABS, test } from "./support/watched";

let cicada: Cicada;

/** Of a phone, a tablet, laptops and a large screen. */
const WIDTHS = [320, 390, 768, 1024, 1200, 1280, 1440, 1920];

test.beforeAll(async () => {
  cicada = await Cicada.demo({}, "--threshold", "p95<60000", "--threshold", "fail_ratio<0.000001");
  const requests = async () => (await cicada.get<{ stats: { num_requests: number }[] }>("stats/requests")).stats.at(-1)?.num_requests;
  await expect.poll(requests, { timeout: 120_000 }).toBeGreaterThan(200);
});

test.afterAll(() => cicada?.stop());

/** Pictures of each tab are kept at these. */
const PICTURES = [390, 1024, 1440];

/** Opens every tab, keeps a picture of each, and says what is in whose way. */
async function allTabs(page: Page, name: string, rules: string[] = []): Promise<void> {
  await page.goto(cicada.url);
  for (const [key, title] of Object.entries(TABS)) {
    await openTab(page, title);
    await expect(page.getByRole("tab", { name: title, exact: true })).toHaveAttribute("aria-selected", "true");
    await expect(page.getByRole("progressbar")).toBeHidden();
    await picture(page, `${name}-${key}`);
    expect(await overflow(page), `${title} on ${name}`).toBe(0);
    expect(await faults(page, rules), `${title} on ${name}`).toEqual([]);
  }
}

/** What keeps somebody from using the page as it is now, if it is serious, by some of axe's rules or all. */
async function faults(page: Page, rules: string[] = []): Promise<string[]> {
  // what is half transparent while it appears has another contrast
  await page.waitForFunction(() => {
    const appeared = [...document.querySelectorAll(".MuiDialog-container")].every((dialog) => getComputedStyle(dialog).opacity === "1");
    return appeared && document.getAnimations().every(({ playState }) => playState !== "running");
  });
  const axe = new AxeBuilder({ page });
  const { violations } = await (rules.length > 0 ? axe.withRules(rules) : axe).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return serious.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}

const background = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

test("by day everybody can use it", async ({ page }) => {
  await page.goto(cicada.url);
  await expect(page.getByRole("row").filter({ hasText: "Aggregated" })).toBeVisible();
  await documentPicture(page, "web-ui");
  await allTabs(page, "light");
  await expect(page.getByRole("img", { name: /^p95<60000: holds/ })).toBeVisible();
  await expect(page.getByText(/[12] of 2 hold/)).toBeVisible();
  expect(await background(page)).toBe("rgb(255, 255, 255)");
});

test.describe("by night", () => {
  test.use({ colorScheme: "dark" });

  test("everybody can use it, and the system's theme holds until somebody chooses", async ({ page }) => {
    // all but the colours is as it is by day
    await allTabs(page, "dark", ["color-contrast"]);
    expect(await background(page)).toBe("rgb(18, 18, 18)");
    await page.getByRole("button", { name: "Edit" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    expect(await faults(page), "the edit dialog").toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("banner").getByRole("button").last().click();
    await expect.poll(() => background(page)).toBe("rgb(255, 255, 255)");
    await page.reload();
    expect(await background(page)).toBe("rgb(255, 255, 255)");
  });
});

test("no tab is wider than the page, at any size", async ({ page }) => {
  await page.goto(cicada.url);
  for (const [key, title] of Object.entries(TABS)) {
    await openTab(page, title);
    await expect(page.getByRole("progressbar")).toBeHidden();
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      await expect.poll(() => overflow(page), { message: `${title} at ${width} pixels` }).toBe(0);
      if (PICTURES.includes(width)) await picture(page, `${key}-${width}`);
    }
  }
});

test("the tabs stand in three groups, and arrows lead from one to the next", async ({ page }) => {
  await page.goto(cicada.url);
  const groups = page.getByRole("tablist");
  await expect(groups).toHaveCount(3);
  for (const [at, name] of ["Live", "Analyse", "Set up"].entries()) await expect(groups.nth(at)).toHaveAccessibleName(name);
  await page.getByRole("tab", { name: "Logs" }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: "A/B" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "POST Chat" })).toBeVisible();
  await page.keyboard.press("End");
  await expect(page.getByRole("tab", { name: "Cost" })).toBeFocused();
});

test("a table is sorted by keyboard, and its sum stays below", async ({ page }) => {
  await page.goto(cicada.url);
  const heading = page.getByRole("columnheader", { name: "# Requests" });
  await heading.getByRole("button").focus();
  const counts = async () => {
    const rows = page.getByRole("table").getByRole("row");
    const texts = await rows.locator("td:nth-child(3)").allTextContents();
    return texts.slice(0, -1).map((text) => Number(text.replaceAll(",", "")));
  };
  for (const [order, sign] of [["descending", -1], ["ascending", 1]] as const) {
    await page.keyboard.press("Enter");
    await expect(heading).toHaveAttribute("aria-sort", order);
    const found = await counts();
    expect(found).toEqual(found.toSorted((one, other) => sign * (one - other)));
    await expect(page.getByRole("row").last()).toContainText("Aggregated");
  }
});

test("charts have names and a table behind them, and nothing is drawn where nothing is known", async ({ page }) => {
  await page.route("**/ledger/history", async (route) => {
    const history = (await (await route.fetch()).json()) as { total: { recorded: number[]; skipped: number[]; missing: number[]; planned: number[] } };
    const { total } = history;
    for (const at of [2, 3]) [total.missing[at], total.recorded[at], total.skipped[at]] = [total.planned[at] ?? 1, 0, 0];
    await route.fulfill({ json: history });
  });
  await page.goto(`${cicada.url}?tab=charts`);
  const rps = page.getByRole("img", { name: /^Total Requests per Second/ });
  await expect(rps.locator("[data-gap]")).toHaveCount(1);
  await expect(rps.locator("[data-mark=start]")).toHaveCount(1);
  const lines = page.getByRole("img", { name: /^Number of Users/ }).locator("polyline");
  // users are zero then, and known; requests are not
  await expect(lines).toHaveCount(1);
  expect(await rps.locator("polyline, circle").count()).toBeGreaterThan(2);
  await page.getByLabel("Total Requests per Second as a table").click();
  const table = page.getByRole("table", { name: /^Total Requests per Second/ });
  await expect(table.getByRole("columnheader", { name: /^Time \(/ })).toContainText("UTC");
  await expect(table.getByRole("row").filter({ hasText: "–" })).toHaveCount(2);
  const times = page.getByRole("figure", { name: "Response Times (ms)" });
  await times.getByRole("checkbox", { name: "p99", exact: true }).check();
  await expect(times.getByRole("button", { name: "99th percentile" })).toBeVisible();
  await times.getByRole("checkbox", { name: "Logarithmic" }).check();
  await expect(times.getByRole("img")).toBeVisible();
});

test("all differences of A and B are on one scale, and pictures show both over time and their distributions", async ({ page }) => {
  await page.goto(`${cicada.url}?tab=ab`);
  const times = page.getByRole("figure", { name: "Average response time, B − A (ms)" });
  await expect(times.locator("[data-range]")).toHaveCount(6);
  await expect(page.getByRole("figure", { name: "Failures, B − A (percentage points)" }).locator("[data-range]")).toHaveCount(6);
  await page.getByLabel("Unit").selectOption("% of A");
  await expect(page.getByRole("figure", { name: "Average response time, B − A (% of A)" })).toBeVisible();
  await expect(page.getByRole("img", { name: /^Chat: response times \(ms\)/ }).locator("polyline, circle").first()).toBeVisible();
  await expect(page.getByRole("img", { name: /^Chat: failures \(%\)/ })).toBeVisible();
  await expect(page.getByRole("img", { name: /^Chat: requests by response time/ }).locator("rect").first()).toBeVisible();
  const shares = page.getByRole("figure", { name: "Chat: share below a response time (ms)" });
  await shares.getByLabel("Share up to (ms)").fill("1000000");
  await expect(shares.getByText("A 100.00 %, B 100.00 %")).toBeVisible();
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: 'Save "Chat: response times (ms)" as an SVG file' }).click();
  expect((await saved).suggestedFilename()).toBe("Chat-response-times-ms.svg");
});

test("a note is a marker on the charts, and the report has it beside A and B", async ({ page }) => {
  await page.goto(`${cicada.url}?tab=charts`);
  await page.getByLabel("Marker").fill("deployed v2");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByRole("img", { name: /^Number of Users/ }).locator("[data-mark='deployed v2']")).toHaveCount(1);
  for (const theme of ["light", "dark"]) {
    await page.goto(`${cicada.url}stats/report?theme=${theme}`);
    await expect(page.getByRole("heading", { name: "A and B" })).toBeVisible();
    await expect(page.getByRole("cell", { name: "deployed v2" })).toBeVisible();
    for (const width of [390, 1280, 1920]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await overflow(page), `the report at ${width} pixels`).toBe(0);
      await picture(page, `report-${theme}-${width}`);
    }
    expect(await faults(page), `the report, ${theme}`).toEqual([]);
    const names = await page.evaluate(() => (window as unknown as { templateArgs: { requests_statistics: { name: string }[] } }).templateArgs.requests_statistics.map(({ name }) => name));
    expect(names.at(-1)).toBe("Aggregated");
  }
});

test("the wall shows A beside B, in the dark, and has nothing to click", async ({ page }) => {
  await page.goto(`${cicada.url}?view=wall`);
  await expect(page.getByText("requests a second")).toBeVisible();
  await expect(page.getByRole("heading", { name: "POST Chat" })).toBeVisible();
  expect(await background(page)).toBe("rgb(18, 18, 18)");
  await expect(page.locator("button, a, input, select")).toHaveCount(0);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    await expect.poll(() => overflow(page), { message: `the wall at ${width} pixels` }).toBe(0);
  }
  expect(await faults(page)).toEqual([]);
  await picture(page, "wall");
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test("what matters is in sight, and all is within reach", async ({ page }) => {
    await page.goto(`${cicada.url}?tab=ab`);
    const difference = page.getByRole("row", { name: /^Average/ }).first().getByRole("cell").last();
    // however far down it is, nobody scrolls sideways for it
    await expect
      .poll(async () => {
        const box = await difference.boundingBox();
        return box && box.x >= 0 && box.x + box.width <= 390;
      })
      .toBe(true);
    await picture(page, "phone-ab");
    await openTab(page, "Statistics");
    for (const name of ["Name", "# Requests", "# Fails"]) {
      await expect(page.getByRole("columnheader", { name })).toBeInViewport({ ratio: 1 });
    }
    expect(await faults(page), "statistics on a phone").toEqual([]);
    await page.getByRole("button", { name: "menu" }).click();
    await expect(page.getByRole("button", { name: "Stop" })).toBeVisible();
    await expect(page.getByRole("dialog").getByText("RPS")).toBeVisible();
    await picture(page, "phone-menu");
    expect(await faults(page), "the menu").toEqual([]);
    await page.getByRole("button", { name: "Edit" }).click();
    await expect(page.getByLabel("Number of users (peak concurrency)")).toHaveValue("60");
    await picture(page, "phone-edit");
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 844 });
      await expect.poll(() => overflow(page), { message: `the edit dialog at ${width} pixels` }).toBe(0);
    }
  });
});

test("a stop of what was started elsewhere is asked about; the start form has room at any size", async ({ page }) => {
  await page.goto(cicada.url);
  await page.getByRole("button", { name: "Stop" }).click();
  const question = page.getByRole("dialog", { name: "Stop?" });
  await expect(question).toContainText("not started from this browser");
  expect(await faults(page), "the question").toEqual([]);
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("banner").getByText("running")).toBeVisible();
  await page.getByRole("button", { name: "Stop" }).click();
  await question.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("button", { name: "New", exact: true }).click();
  await expect(page.getByLabel("Number of users (peak concurrency)")).toHaveValue("60");
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    await expect.poll(() => overflow(page), { message: `the start form at ${width} pixels` }).toBe(0);
  }
  expect(await faults(page), "the start form").toEqual([]);
  await page.getByRole("button", { name: "Settings of ModelAUser" }).click();
  await expect(page.getByRole("dialog", { name: "ModelAUser Settings" })).toBeVisible();
  expect(await faults(page), "a class's settings").toEqual([]);
});
