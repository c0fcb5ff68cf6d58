// The page behind a password and under a path of its own, with what the server's headers allow it.
import { Cicada } from "./support/programs";
import { expect, openTab, stopOthers, test } from "./support/watched";

const PASSWORD = "demo:change-me";

/** As browsers do that have been told by somebody else to say it to everybody. */
const AUTHORIZATION = `Basic ${btoa(PASSWORD)}`;

let cicada: Cicada;

test.beforeAll(async () => {
  cicada = await Cicada.demo({ LOCUST_BASIC_AUTH: PASSWORD }, "--web-base-path", "/traffic");
});

test.afterAll(() => cicada?.stop());

test.use({ extraHTTPHeaders: { authorization: AUTHORIZATION } });

test("all of it works there", async ({ page }) => {
  expect(new URL(cicada.url).pathname).toBe("/traffic/");
  const answer = await page.goto(cicada.url);
  expect(answer?.headers()["content-security-policy"]).toContain("script-src 'self';");
  await expect(page.getByRole("row").filter({ hasText: "Aggregated" })).toBeVisible();
  // there is no session to end
  await expect(page.getByRole("button", { name: "Log out" })).toBeHidden();
  await openTab(page, "Ledger");
  await expect(page.getByRole("img", { name: /^Iterations a Second/ })).toBeVisible();
  await openTab(page, "Download Data");
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download requests CSV" }).click();
  expect((await download).suggestedFilename()).toMatch(/requests\.csv$/);
  await stopOthers(page);
  await page.getByRole("link", { name: "CICADA" }).click();
  await expect(page.getByRole("row").filter({ hasText: "Aggregated" })).toBeVisible();
});

test("the list of routes is there, too", async ({ page }) => {
  await page.goto(cicada.url);
  await page.getByRole("link", { name: "API" }).click();
  await expect(page.getByRole("heading", { name: "What there is to read" })).toBeVisible();
  await page.getByRole("link", { name: "/stats/requests", exact: true }).click();
  await expect(page.getByText('"state"')).toBeVisible();
});
