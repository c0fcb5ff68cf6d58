// How the page looks: every tab, in both themes and on a phone.
import type { Page } from "@playwright/test";

import { Cicada } from "./support/programs";
import { expect, overflow, picture, TABS, test } from "./support/watched";

let cicada: Cicada;

test.beforeAll(async () => {
  cicada = await Cicada.demo();
  const requests = async () => (await cicada.get<{ stats: { num_requests: number }[] }>("stats/requests")).stats.at(-1)?.num_requests;
  await expect.poll(requests, { timeout: 120_000 }).toBeGreaterThan(200);
});

test.afterAll(() => cicada?.stop());

/** Opens every tab, and keeps a picture of each. */
async function allTabs(page: Page, name: string): Promise<void> {
  for (const [key, title] of Object.entries(TABS)) {
    await page.goto(`${cicada.url}?tab=${key}`);
    await expect(page.getByRole("tab", { name: title, exact: true })).toHaveAttribute("aria-selected", "true");
    await expect(page.getByRole("progressbar")).toBeHidden();
    // charts are drawn with a flourish
    if (await page.locator("canvas").count()) await page.waitForTimeout(1_500);
    await picture(page, `${name}-${key}`);
    expect(await overflow(page), `${title} on ${name}`).toBe(0);
  }
}

test("by day", async ({ page }) => {
  await allTabs(page, "light");
  expect(await background(page)).toBe("rgb(255, 255, 255)");
});

test.describe("by night", () => {
  test.use({ colorScheme: "dark" });

  test("the system's theme holds until somebody chooses", async ({ page }) => {
    await allTabs(page, "dark");
    expect(await background(page)).toBe("rgb(18, 18, 18)");
    await page.getByRole("banner").getByRole("button").last().click();
    await expect.poll(() => background(page)).toBe("rgb(255, 255, 255)");
    await page.reload();
    expect(await background(page)).toBe("rgb(255, 255, 255)");
  });
});

const background = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test("nothing reaches beyond the screen, and all is within reach", async ({ page }) => {
    await allTabs(page, "phone");
    await page.getByRole("button", { name: "menu" }).click();
    await expect(page.getByRole("button", { name: "Stop" })).toBeVisible();
    await expect(page.getByRole("dialog").getByText("RPS")).toBeVisible();
    await picture(page, "phone-menu");
    await page.getByRole("button", { name: "Edit" }).click();
    await expect(page.getByLabel("Number of users (peak concurrency)")).toHaveValue("60");
    await picture(page, "phone-edit");
    expect(await overflow(page)).toBe(0);
  });
});
