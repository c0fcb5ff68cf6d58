// Two models with names whose answers are streamed, and stand-ins that are made to misbehave.
import { join } from "node:path";

import { Cicada } from "./support/programs";
import { expect, openTab, overflow, picture, test } from "./support/watched";

const WORKLOAD = join(import.meta.dirname, "../../../examples/chat-streamed.toml");

const A = "mistral:7b-instruct";
const B = "ministral-3:8b-instruct-2512-q8_0";

let cicada: Cicada;

test.beforeAll(async () => {
  cicada = await Cicada.demo({}, "--workload", WORKLOAD);
  const requests = async () => (await cicada.get<{ pairs: { a: { num_requests: number } }[] }>("ab")).pairs[0]?.a.num_requests;
  await expect.poll(requests, { timeout: 120_000 }).toBeGreaterThan(60);
});

test.afterAll(() => cicada?.stop());

test("models are called by their names, with first tokens, tokens a second and money", async ({ page }) => {
  await page.goto(`${cicada.url}?tab=ab`);
  const table = page.getByRole("table").first();
  await expect(table.getByRole("columnheader")).toHaveText(["Figure", A, B, `${B} − ${A}`]);
  for (const title of ["First token (ms)", "Inter-token latency (ms)", "Tokens/s", "Tokens in", "Tokens out", "Cost"]) {
    const cells = table.getByRole("row").filter({ has: page.getByRole("cell", { name: title, exact: true }) }).getByRole("cell");
    for (const at of [1, 2]) await expect(cells.nth(at), title).toHaveText(/^[\d,.]*[1-9][\d,.]*$/);
  }
  for (const name of ["first token (ms)", "tokens a second", "response times (ms)", "failures (%)"]) {
    const chart = page.getByRole("figure", { name: `Streamed Chat: ${name}` });
    await expect(chart.getByRole("button", { name: new RegExp(`^${A}`) }).first()).toBeVisible();
    await expect(chart.getByRole("button", { name: new RegExp(`^${B}`) }).first()).toBeVisible();
    await expect(chart.getByRole("img").locator("polyline, circle").first()).toBeAttached();
  }
  await expect(page.getByRole("figure", { name: `First token, ${B} − ${A} (ms)` })).toBeVisible();
  const shares = page.getByRole("figure", { name: "Streamed Chat: share below a response time (ms)" });
  await shares.getByLabel("Share up to (ms)").fill("1000000");
  await expect(shares.getByText(`${A} 100.00 %, ${B} 100.00 %`)).toBeVisible();
  // a letter stands alone nowhere
  const texts = await page.getByRole("tabpanel").evaluate((panel) => {
    const walker = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT);
    const found: string[] = [];
    while (walker.nextNode()) found.push(walker.currentNode.textContent ?? "");
    return found;
  });
  // but in what its author has called a request
  const unnamed = texts.map((text) => text.replaceAll(/\(Model [AB]\)/g, ""));
  expect(unnamed.filter((text) => /(^|[^\w/])[ABb]([^\w/]|$)/.test(text))).toEqual([]);
});

test("no size is too small for the names of models", async ({ page }) => {
  await page.goto(`${cicada.url}?tab=ab`);
  await expect(page.getByRole("figure", { name: "Streamed Chat: tokens a second" })).toBeVisible();
  for (const width of [320, 390, 768, 1024, 1280, 1440, 1920]) {
    await page.setViewportSize({ width, height: 900 });
    await expect.poll(() => overflow(page), { message: `A/B at ${width} pixels` }).toBe(0);
    await picture(page, `streams-ab-${width}`, true);
  }
  for (const width of [320, 390, 1024, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    for (const path of ["?view=wall", "stats/report"]) {
      await page.goto(cicada.url + path);
      await expect(page.getByText(A).first()).toBeVisible();
      await expect(page.getByText(B).first()).toBeVisible();
      await expect.poll(() => overflow(page), { message: `${path} at ${width} pixels` }).toBe(0);
      await picture(page, `streams-${path.replace(/\W/g, "-")}-${width}`, true);
    }
  }
});

test("a stand-in's page makes it slow, failing, chaotic and normal, says so, and the charts have a marker", async ({ page }) => {
  await page.goto(cicada.targetApp);
  const said = page.getByRole("status");
  await expect(said).toHaveText("Now: normal.");
  for (const [name, saying] of [
    ["Slow", /5 times the usual/],
    ["Failing", /30 of 100 requests fail/],
    ["Chaotic", /changes every 20 seconds/],
  ] as const) {
    const button = page.getByRole("button", { name });
    await button.click();
    await expect(said).toHaveText(saying);
    await expect(button).toHaveAttribute("aria-pressed", "true");
  }
  await picture(page, "stand-in");
  await page.getByRole("button", { name: "Normal again" }).click();
  await expect(said).toHaveText("Now: normal.");
  await page.goto(`${cicada.url}?tab=charts`);
  const users = page.getByRole("img", { name: /^Number of Users/ });
  for (const mark of ["stand-in: slow", "stand-in: slow, failing", "stand-in: slow, failing, chaotic", "stand-in: normal"]) {
    await expect(users.locator(`[data-mark='${mark}']`)).toHaveCount(1);
  }
});

test("every tab says that the server is away, and none is empty meanwhile", async ({ page }) => {
  await page.goto(cicada.url);
  await expect(page.getByRole("row").filter({ hasText: "Aggregated" })).toBeVisible();
  await page.route(/^(?!.*\/assets\/)/, (route) => route.abort("aborted"));
  await expect(page.getByText(/Cicada does not answer\. The figures are from/)).toBeVisible();
  for (const title of ["Charts", "Exceptions", "Current Ratio", "Logs", "A/B", "Ledger", "Runs", "Schedules", "Workload", "Cost"]) {
    await openTab(page, title);
    const panel = page.getByRole("tabpanel");
    if (title !== "Logs") await expect(panel.getByText("Cicada does not answer."), title).toBeVisible();
    await expect(panel.getByRole("progressbar"), title).toBeHidden();
  }
});
