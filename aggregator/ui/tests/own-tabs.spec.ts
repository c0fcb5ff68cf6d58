// The tabs that Locust does not have.
import type { Page } from "@playwright/test";

import { Cicada } from "./support/programs";
import { expect, openTab, picture, stopOthers, test } from "./support/watched";

test.describe.configure({ mode: "serial" });

let cicada: Cicada;

test.beforeAll(async () => {
  cicada = await Cicada.ready("--trace-url", "https://traces.test/trace/{trace_id}");
  const form = new URLSearchParams({ user_count: "60", spawn_rate: "60" });
  await fetch(`${cicada.url}swarm`, { method: "POST", body: form });
});

test.afterAll(() => cicada?.stop());

test("the ledger adds up on the page, and its charts move", async ({ page }) => {
  await page.goto(`${cicada.url}?tab=ledger`);
  const total = page.getByRole("row").filter({ hasText: "All classes" });
  await expect(total.getByRole("cell").nth(1)).toHaveText(/^[1-9]/);
  const figures = (await total.getByRole("cell").allTextContents()).slice(1, 6);
  const [planned, recorded, skipped, missing, pending] = figures.map((text) => Number(text.replaceAll(",", "")));
  expect(planned).toBe((recorded ?? 0) + (skipped ?? 0) + (missing ?? 0) + (pending ?? 0));

  const chart = page.getByRole("img", { name: /^Iterations a Second/ });
  await expect(chart).toBeVisible();
  const before = await chart.innerHTML();
  await expect.poll(() => chart.innerHTML()).not.toBe(before);
  await page.getByLabel("Class", { exact: true }).selectOption("TargetAppUser");
  await expect(chart).toBeVisible();
});

test("custom metrics have their figures, and what could not be evaluated", async ({ page }) => {
  const nothing = { median: null, "percentile_0.95": null, "percentile_0.99": null };
  const counter = { kind: "counter", unit: "", count: 1234, errors: 5, per_second: 20.5, average: 1, min: 1, max: 1 };
  const histogram = { average: 65, min: 0.1, max: 129.9, median: 3.5, "percentile_0.95": 129.9, "percentile_0.99": 129.9 };
  const json = [
    { ...counter, ...nothing, name: "Orders/Created", total: 1234 },
    { ...counter, ...histogram, kind: "histogram", unit: "EUR", name: "Orders/Total", total: 130, errors: 0 },
  ];
  await page.route("**/custom-metrics", (route) => route.fulfill({ json }));
  await page.goto(`${cicada.url}?tab=metrics`);
  const cells = (name: string) => page.getByRole("row").filter({ hasText: name }).getByRole("cell");
  const created = ["Orders/Created", "counter", "–", "1,234", "20.5", "1,234", "1", "1", "–", "–", "–", "1", "5"];
  await expect(cells("Orders/Created")).toHaveText(created);
  await expect(cells("Orders/Total").nth(8)).toHaveText("3.5");
});

test("models are compared, with what it means", async ({ page }) => {
  await page.goto(`${cicada.url}?tab=ab`);
  await expect(page.getByRole("heading", { name: "POST Chat" })).toBeVisible();
  const rows = page.getByRole("table").first().getByRole("row");
  await expect(rows).toHaveCount(4);
  await expect(rows.nth(3)).toContainText("B − A");
  // with a few requests on both sides there is something to tell
  await expect(page.getByText(/95 % interval|too few requests/).first()).toBeVisible();
});

const editor = (page: Page) => page.getByRole("textbox", { name: "Workload" });

/** The workload as it is saved. */
const workload = async () => (await fetch(`${cicada.url}workload`)).text();

/** Writes a text in place of what the editor has. */
async function write(page: Page, text: string): Promise<void> {
  await editor(page).click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(text);
}

test("a workload is validated, saved, and read again", async ({ page, watch }) => {
  watch.expectStatus(422);
  await page.goto(`${cicada.url}?tab=workload`);
  await expect(editor(page)).toBeVisible();
  const before = await workload();
  await expect(page.getByRole("button", { name: "Save" })).toBeDisabled();

  await write(page, `${before}\n[class.Broken]\nwait = "sometimes"\n`);
  const mistake = before.split("\n").length + 2;
  // nobody has to ask for it
  await expect(page.getByText(/A draft, not saved, with/)).toBeVisible();
  await expect(page.locator(".cm-lint-marker-error").first()).toBeVisible();
  for (const name of ["Validate", "Save"]) {
    await page.getByRole("button", { name }).click();
    const alert = page.getByRole("alert");
    await expect(alert).toContainText("nothing was changed");
    await alert.getByRole("button", { name: `Line ${mistake}` }).first().click();
    expect(await page.evaluate(() => getSelection()?.toString())).toBe('wait = "sometimes"');
  }

  await write(page, before.replaceAll("class.TargetAppUser", "class.Shopper_1"));
  await page.getByRole("button", { name: "Validate" }).click();
  await expect(page.getByRole("alert")).toContainText("The workload is valid, nothing was changed");
  await editor(page).click();
  await page.keyboard.press("Control+S");
  await expect(page.getByRole("alert")).toContainText("The next run has this workload; the one that is on goes on");
  expect(await workload()).toContain("[class.Shopper_1]");
  await page.reload();
  await expect(page.getByText("This is the workload as it is saved.")).toBeVisible();
});

test("the editor completes keys, values and headings from the schema, and Tab indents", async ({ page, watch }) => {
  watch.expectStatus(422);
  await page.goto(`${cicada.url}?tab=workload`);
  await write(page, "");
  const choices = page.getByRole("listbox", { name: "Completions" });
  await page.keyboard.type("[cla");
  await expect(choices.getByRole("option", { name: /^class/ })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.keyboard.type("ss.U.task.t]\nweig");
  await choices.getByRole("option", { name: /^weight/ }).click();
  await page.keyboard.type("3\nrequest = { method = ");
  await page.keyboard.press("Control+Space");
  await choices.getByRole("option", { name: /POST/ }).click();
  await page.keyboard.type(" }\n");
  await page.keyboard.press("Tab");
  await page.keyboard.type("# end");
  await expect(page.locator(".cm-line")).toHaveText(["[class.U.task.t]", "weight = 3", 'request = { method = "POST" }', "  # end"]);
  // Escape gives the next Tab back to the page for two seconds, which a busy machine may take
  await expect(async () => {
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    await expect(editor(page)).not.toBeFocused({ timeout: 1_000 });
  }).toPass();
  await page.getByRole("button", { name: "Undo all" }).click();
  await page.getByRole("button", { name: "Give it up" }).click();
});

test("a draft survives another tab and a reload, and is given up only when somebody says so", async ({ page }) => {
  await page.goto(`${cicada.url}?tab=workload`);
  const before = await workload();
  await write(page, `# of mine\n${before}`);
  await expect(page.getByText("A draft, not saved; it is valid.")).toBeVisible();
  await openTab(page, "Cost");
  await openTab(page, "Workload");
  await expect(page.getByRole("alert")).toContainText("your draft of before");
  await expect(editor(page)).toContainText("# of mine");
  await page.reload();
  await expect(editor(page)).toContainText("# of mine");
  for (const name of ["Undo all", "Read again"]) {
    await page.getByRole("button", { name }).click();
    const question = page.getByRole("dialog", { name: "Give the draft up?" });
    await question.getByRole("button", { name: "Keep it" }).click();
    await expect(question).toBeHidden();
    await expect(editor(page)).toContainText("# of mine");
  }
  await page.getByRole("button", { name: "Undo all" }).click();
  await page.getByRole("button", { name: "Give it up" }).click();
  await expect(page.getByText("This is the workload as it is saved.")).toBeVisible();
  await page.reload();
  await expect(page.getByText("This is the workload as it is saved.")).toBeVisible();
  expect(await workload()).toBe(before);
});

test("a workload that somebody else has changed is not overwritten", async ({ page, watch }) => {
  watch.expectStatus(412);
  await page.goto(`${cicada.url}?tab=workload`);
  await expect(editor(page)).toBeVisible();
  const before = await workload();
  await fetch(`${cicada.url}workload`, { method: "PUT", body: `# somebody else's\n${before}` });
  await write(page, `${before}\n# mine\n`);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText("somebody else has chosen version");
  // nor once the page was loaded anew
  await page.reload();
  await expect(page.getByRole("alert")).toContainText("The workload was changed since");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText("somebody else has chosen version");
  await page.getByRole("button", { name: "Read again" }).click();
  await page.getByRole("button", { name: "Give it up" }).click();
  await expect(editor(page)).toContainText("somebody else's");
});

test("what was saved is what the form offers", async ({ page }) => {
  await page.goto(`${cicada.url}?tab=runs`);
  await stopOthers(page);
  await page.getByRole("button", { name: "New", exact: true }).click();
  await expect(page.getByRole("cell", { name: "Shopper_1", exact: true })).toBeVisible();
  await expect(page.getByText("TargetAppUser", { exact: true })).toBeHidden();
});

test("a run has an address, and so has each of its tabs", async ({ page }) => {
  await page.goto(`${cicada.url}?tab=runs`);
  await page.getByRole("row").filter({ hasText: "stopped" }).getByRole("button").first().click();
  await expect(page.getByRole("row").filter({ hasText: "Aggregated" })).toBeVisible();
  await openTab(page, "Ledger");
  await expect(page.getByRole("row").filter({ hasText: "All classes" })).toBeVisible();
  await openTab(page, "Charts");
  await expect(page.getByRole("img", { name: /^Number of Users/ }).locator("[data-mark=stop]")).toBeVisible();
  await openTab(page, "A/B");
  await picture(page, "run");
  const { searchParams } = new URL(page.url());
  expect(searchParams.get("run")).toMatch(/^[0-9a-f]+-[0-9a-f]+$/);
  expect(searchParams.get("tab")).toBe("ab");
  await page.reload();
  await expect(page.getByRole("tab", { name: "A/B" })).toHaveAttribute("aria-selected", "true");
  await expect(page.getByRole("heading", { name: "POST Chat" })).toBeVisible();
  const opened = page.waitForEvent("popup");
  await page.getByRole("link", { name: "Report" }).click();
  await expect((await opened).getByText("Aggregated").first()).toBeVisible();
  await page.getByRole("button", { name: "All runs" }).click();
  await expect(page.getByRole("row").filter({ hasText: "stopped" })).toBeVisible();
});

test("a run that there is not is said to be missing", async ({ page, watch }) => {
  watch.expectStatus(404);
  await page.goto(`${cicada.url}?run=06613d2e2e0104-00000000`);
  await expect(page.getByRole("alert")).toContainText("06613d2e2e0104-00000000");
  await expect(page.getByRole("button", { name: "All runs" })).toBeVisible();
});

test("a trace's id is copied, and leads to where traces are", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const id = "4bf92f3577b34da6a3ce929d0e0e4736";
  await page.route("**/stats/requests", async (route) => {
    const answer = (await (await route.fetch()).json()) as { errors: { trace_id: string }[] };
    for (const error of answer.errors) error.trace_id = id;
    await route.fulfill({ json: answer });
  });
  await page.goto(`${cicada.url}?tab=failures`);
  const link = page.getByRole("link", { name: id }).first();
  await expect(link).toHaveAttribute("href", `https://traces.test/trace/${id}`);
  await page.getByRole("button", { name: `Copy trace id ${id}` }).first().click();
  await expect(page.getByRole("alert")).toContainText("copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(id);
});

test("a schedule is added, refused, and deleted", async ({ page, watch }) => {
  watch.expectStatus(400);
  await page.goto(cicada.url);
  await openTab(page, "Schedules");
  await page.getByLabel("Name").fill("weekdays");
  await page.getByLabel("Start (cron)").fill("0 9 * *");
  await page.getByLabel("Number of users").fill("50");
  await page.getByLabel("Ramp up").fill("2");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText("start");
  await page.getByLabel("Start (cron)").fill("0 9 * * 1-5");
  await page.getByLabel("Stop (cron)").fill("0 17 * * 1-5");
  await page.getByLabel("Time zone").fill("Europe/Berlin");
  await page.getByRole("button", { name: "Save" }).click();
  const row = page.getByRole("row").filter({ hasText: "weekdays" });
  await expect(row).toContainText("Europe/Berlin");
  await expect(row).toContainText(/\d{4}-\d\d-\d\d 09:00/);
  await picture(page, "schedules-filled");
  await row.getByRole("button", { name: "Delete" }).click();
  await row.getByRole("button", { name: "Really delete" }).click();
  await expect(row).toBeHidden();
});

test("costs follow what is typed, and what cannot be estimated is said", async ({ page, watch }) => {
  watch.expectStatus(400);
  await page.goto(`${cicada.url}?tab=cost`);
  const total = page.getByText("USD a month").first();
  await expect(total).toBeVisible();
  const figure = page.getByText(/^\$[\d,.]+$/).first();
  const before = await figure.textContent();
  await page.getByLabel("Number of users").fill("500");
  await expect(figure).not.toHaveText(before ?? "");
  await page.getByLabel("Number of users").fill("-1");
  await expect(page.getByRole("alert")).toContainText("users");
});

test("a shape is started from the form, and then says how many users there are", async ({ page }) => {
  await page.goto(cicada.url);
  await page.getByRole("button", { name: "New", exact: true }).click();
  await page.getByLabel("Shape Class").selectOption("StepLoad");
  await expect(page.getByLabel("Number of users (peak concurrency)")).toBeDisabled();
  await page.getByRole("button", { name: "Start" }).click();
  await expect(page.getByRole("button", { name: "Stop" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Edit" })).toBeDisabled();
  await page.reload();
  await expect(page.getByRole("button", { name: "Edit" })).toBeDisabled();
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByRole("button", { name: "New", exact: true })).toBeVisible();
});
