// A person's way through the page: start, watch, edit, look at everything, stop, reset, reload.
import { readFileSync } from "node:fs";
import type { Locator, Page } from "@playwright/test";

import { Cicada } from "./support/programs";
import { expect, openTab, picture, stopOthers, TABS, test } from "./support/watched";

test.describe.configure({ mode: "serial" });

let cicada: Cicada;

test.beforeAll(async () => {
  cicada = await Cicada.ready();
});

test.afterAll(() => cicada?.stop());

const cell = (row: Locator, column: number) => row.getByRole("cell").nth(column);
const row = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name });
const bar = (page: Page) => page.getByRole("banner");

test("before the first run, each tab says that there is nothing yet", async ({ page }) => {
  await page.goto(cicada.url);
  await openTab(page, "Runs");
  await expect(page.getByText("There was no run yet.")).toBeVisible();
  await openTab(page, "Schedules");
  await expect(page.getByText("There is no schedule: add one below.")).toBeVisible();
  await page.goto(`${cicada.url}?view=wall`);
  await expect(page.getByText("No run was started yet.")).toBeVisible();
});

test("users are started from the form, and rows appear", async ({ page }) => {
  await page.goto(cicada.url);
  await expect(page.getByRole("heading", { name: "Start new load test" })).toBeVisible();
  await expect(page.getByRole("cell", { name: "TargetAppUser", exact: true })).toBeVisible();
  await picture(page, "form");
  const users = page.getByLabel("Number of users (peak concurrency)");
  await users.fill("0");
  await page.getByRole("button", { name: "Start" }).click();
  await expect(page.getByRole("alert")).toContainText("write a whole number of 1 or more");
  await users.fill("24");
  await page.getByLabel("Ramp up").fill("24");
  const all = page.getByRole("checkbox", { name: "User classes" });
  await all.uncheck();
  await page.getByRole("button", { name: "Start" }).click();
  await expect(page.getByRole("alert")).toContainText("at least one user class");
  expect((await cicada.get<{ state: string }>("stats/requests")).state).toBe("ready");
  await all.check();
  await page.getByRole("button", { name: "Start" }).click();

  const health = row(page, "GET /health");
  await expect(cell(health, 2)).toHaveText(/^[1-9]\d*$/);
  await expect(bar(page).getByText("24", { exact: true })).toBeVisible();
  await expect(bar(page).getByText("running")).toBeVisible();
  const before = Number(await cell(health, 2).textContent());
  await expect.poll(async () => Number(await cell(health, 2).textContent())).toBeGreaterThan(before);
  const total = row(page, "Aggregated");
  await expect(cell(total, 2)).toHaveText(/^[1-9]\d*$/);
});

test("the number of users is edited while they run, the classes stay, and the charts move", async ({ page }) => {
  await page.goto(`${cicada.url}?tab=charts`);
  const users = page.getByRole("img", { name: /^Number of Users/ });
  await expect(users).toBeVisible();
  const before = await users.innerHTML();
  await page.getByRole("button", { name: "Edit" }).click();
  await expect(page.getByRole("heading", { name: "Edit running load test" })).toBeVisible();
  await expect(page.getByLabel("Number of users (peak concurrency)")).toHaveValue("24");
  await page.getByLabel("Number of users (peak concurrency)").fill("36");
  await page.getByRole("button", { name: "Update" }).click();
  await expect(page.getByRole("heading", { name: "Edit running load test" })).toBeHidden();
  await expect(bar(page).getByText("36", { exact: true })).toBeVisible();
  await expect.poll(() => users.innerHTML()).not.toEqual(before);
  const { users: classes } = await cicada.get<{ users: object }>("template-args");
  expect(Object.keys(classes)).toHaveLength(6);
  await picture(page, "charts");
});

test("the charts begin before the page was loaded", async ({ page }) => {
  type History = { history: { time: string }[] };
  await expect.poll(async () => (await cicada.get<History>("stats/history")).history.length).toBeGreaterThan(1);
  const loaded = Date.now();
  await page.goto(`${cicada.url}?tab=charts`);
  const rps = page.getByRole("img", { name: /^Total Requests per Second/ });
  await expect(rps.locator("[data-mark]").filter({ hasText: "36 users" })).toBeVisible();
  // it says what the leftmost point is about
  await rps.hover({ position: { x: 56, y: 150 } });
  const said = page.locator("[data-readout]");
  await expect(said).toContainText("RPS:");
  const [time] = /[\d-]+ [\d:]+/.exec((await said.textContent()) ?? "") ?? [];
  expect(new Date(time ?? NaN).getTime()).toBeLessThan(loaded - 3_000);
});

test("failures are listed with their messages", async ({ page }) => {
  await page.goto(cicada.url);
  await openTab(page, "Failures");
  await expect(row(page, "GET /orders").first()).toBeVisible();
  await picture(page, "failures");
});

test("every tab opens, and shows what it is for", async ({ page }) => {
  const shows: Record<string, () => Locator> = {
    Statistics: () => row(page, "Aggregated"),
    Charts: () => page.getByRole("img", { name: /^Number of Users/ }),
    Failures: () => page.getByRole("columnheader", { name: "Message" }),
    Exceptions: () => page.getByRole("columnheader", { name: "Traceback" }),
    "Current Ratio": () => page.getByText("% check_and_repair").first(),
    Metrics: () => page.getByText("The workload has none"),
    "Download Data": () => page.getByRole("link", { name: "Download requests CSV" }),
    Logs: () => page.getByText("Ramping to").first(),
    "A/B": () => page.getByRole("heading", { name: "POST Chat" }),
    Compare: () => page.getByRole("heading", { name: "Compare with another run" }),
    Ledger: () => row(page, "All classes"),
    Runs: () => row(page, "running"),
    Schedules: () => page.getByText("There is no schedule: add one below."),
    Workload: () => page.getByRole("textbox", { name: "Workload" }),
    Cost: () => page.getByText("per million iterations"),
  };
  await page.goto(`${cicada.url}?tab=cost`);
  await expect(page.getByRole("tab")).toHaveText(Object.values(TABS));
  for (const [key, title] of Object.entries(TABS)) {
    await openTab(page, title);
    await expect(shows[title]?.() ?? page.getByText("?"), title).toBeVisible();
    expect(new URL(page.url()).searchParams.get("tab")).toBe(key);
  }
  await page.goBack();
  await expect(page.getByRole("textbox", { name: "Workload" })).toBeVisible();
});

test("every file can be downloaded", async ({ page }) => {
  await page.goto(`${cicada.url}?tab=reports`);
  const files: Record<string, RegExp> = {
    "Download requests CSV": /^Type,Name,Request Count,/,
    "Download full request statistics history CSV": /^Timestamp,User Count,/,
    "Download failures CSV": /^Method,Name,Error,Occurrences/,
    "Download exceptions CSV": /^Count,Message,Traceback,Nodes/,
  };
  for (const [name, begins] of Object.entries(files)) {
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name }).click();
    const path = await (await download).path();
    expect(readFileSync(path, "utf8"), name).toMatch(begins);
  }
  const opened = page.waitForEvent("popup");
  await page.getByRole("link", { name: "Download Report" }).click();
  const report = await opened;
  await expect(report.getByText("Aggregated").first()).toBeVisible();
});

test("users are stopped, and the figures stay", async ({ page }) => {
  await page.goto(cicada.url);
  await stopOthers(page);
  await expect(bar(page).getByText("stopped")).toBeVisible();
  await expect(cell(row(page, "Aggregated"), 2)).toHaveText(/^[1-9]\d*$/);
});

test("a reset asks when much would be lost, and begins to count anew", async ({ page }) => {
  await page.route("**/runs?limit=1", async (route) => {
    const list = (await (await route.fetch()).json()) as { runs: { duration: number }[] };
    for (const run of list.runs) run.duration += 600;
    await route.fulfill({ json: list });
  });
  await page.goto(cicada.url);
  const total = cell(row(page, "Aggregated"), 2);
  const before = await total.textContent();
  expect(before).toMatch(/^[1-9]/);
  await page.getByRole("button", { name: "Reset" }).click();
  const question = page.getByRole("dialog", { name: "Reset?" });
  await expect(question).toContainText(/of 1\d min .* would leave the page: [\d,]+ requests and [\d,]+ failures/);
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(question).toBeHidden();
  await expect(total).toHaveText(before ?? "");
  await page.getByRole("button", { name: "Reset" }).click();
  await question.getByRole("button", { name: "Reset" }).click();
  await expect(page.getByText("No request was sent yet.").or(total.filter({ hasText: /^0$/ }))).toBeVisible();
  await page.reload();
  await expect(page.getByText("No request was sent yet.").or(total.filter({ hasText: /^0$/ }))).toBeVisible();
});

test("another run starts with some of the classes, as it was asked for last", async ({ page }) => {
  await page.goto(cicada.url);
  await page.getByRole("button", { name: "New", exact: true }).click();
  await expect(page.getByLabel("Number of users (peak concurrency)")).toHaveValue("36");
  for (const name of ["ModelAUser", "ModelBUser", "ChatModelAUser", "ChatModelBUser"]) {
    await page.getByRole("checkbox", { name, exact: true }).uncheck();
  }
  await page.getByLabel("Number of users (peak concurrency)").fill("6");
  await page.getByRole("button", { name: "Start" }).click();
  await expect(bar(page).getByText("running")).toBeVisible();
  await openTab(page, "Current Ratio");
  await expect(page.getByText("50.0% TargetAppUser").first()).toBeVisible();
  await expect(page.getByText("ModelAUser")).toBeHidden();
  await expect(bar(page).getByText("Elapsed")).toBeVisible();

  // an edit keeps them
  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("Number of users (peak concurrency)").fill("8");
  await page.getByRole("button", { name: "Update" }).click();
  await expect(bar(page).getByText("8", { exact: true })).toBeVisible();
  await expect(page.getByText("50.0% TargetAppUser").first()).toBeVisible();
  await expect(page.getByText("ModelAUser")).toBeHidden();
});

test("what somebody else starts and stops is seen", async ({ page }) => {
  await page.goto(cicada.url);
  await expect(page.getByRole("button", { name: "Stop" })).toBeVisible();
  await fetch(`${cicada.url}stop`, { method: "POST" });
  await expect(page.getByRole("button", { name: "New", exact: true })).toBeVisible();
  await fetch(`${cicada.url}swarm`, { method: "POST", body: new URLSearchParams({ user_count: "3", spawn_rate: "3" }) });
  await expect(page.getByRole("button", { name: "Stop" })).toBeVisible();
});

test("the next form proposes what ran last, and a run of one minute says what remains", async ({ page }) => {
  const form = new URLSearchParams({ user_count: "2", spawn_rate: "2", run_time: "1m", user_classes: "ModelBUser" });
  await fetch(`${cicada.url}stop`, { method: "POST" });
  await expect.poll(async () => (await cicada.get<{ state: string }>("stats/requests")).state).toBe("stopped");
  await fetch(`${cicada.url}swarm`, { method: "POST", body: form });
  await page.goto(cicada.url);
  await expect(bar(page).getByText("Remaining")).toBeVisible();
  await expect(bar(page).getByText(/^\d\d s$/).last()).toBeVisible();
  await stopOthers(page);
  await page.getByRole("button", { name: "New", exact: true }).click();
  await expect(page.getByRole("checkbox", { name: "ModelBUser", exact: true })).toBeChecked();
  await expect(page.getByRole("checkbox", { name: "ModelAUser", exact: true })).not.toBeChecked();
});

test("a server that does not answer is said to be silent", async ({ page, watch }) => {
  watch.expectStatus(503);
  await page.goto(cicada.url);
  await expect(row(page, "Aggregated")).toBeVisible();
  await page.route("**/stats/requests", (route) => route.fulfill({ status: 503, json: { success: false, message: "the store is away" } }));
  await expect(page.getByText(/the store is away.*The figures are from/)).toBeVisible();
  await page.unroute("**/stats/requests");
  await expect(page.getByText(/The figures are from/)).toBeHidden();
});
