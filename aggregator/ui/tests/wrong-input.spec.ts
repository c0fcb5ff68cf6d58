// What somebody gets wrong is said where they got it wrong, and changes nothing.
import { Cicada } from "./support/programs";
import { expect, test } from "./support/watched";

let cicada: Cicada;

test.beforeAll(async () => {
  cicada = await Cicada.ready("--max-users", "100");
});

test.afterAll(() => cicada?.stop());

interface Requests {
  state: string;
  user_count: number;
}

test("the form says what is wrong with each field, and starts nothing", async ({ page }) => {
  await page.goto(cicada.url);
  await page.getByRole("button", { name: "Advanced options" }).click();
  const users = page.getByLabel("Number of users (peak concurrency)");
  const rate = page.getByLabel("Ramp up");
  const host = page.getByLabel("Host");
  const runTime = page.getByLabel("Run time");
  const right = async () => {
    await users.fill("5");
    await rate.fill("1");
    await host.fill("");
    await runTime.fill("");
  };
  const wrong: [() => Promise<void>, RegExp][] = [
    [() => users.fill("1.5"), /user_count is "1\.5": write a whole number/],
    [() => users.fill("101"), /user_count is above the limit of 100 users/],
    [() => rate.fill("0"), /spawn_rate must be a number above 0/],
    [() => host.fill("target-app"), /host "target-app" is no base URL/],
    [() => runTime.fill("soon"), /run_time is "soon": write a time such as/],
  ];
  for (const [makeWrong, message] of wrong) {
    await right();
    await makeWrong();
    await page.getByRole("button", { name: "Start" }).click();
    await expect(page.getByRole("alert").getByText(message)).toBeVisible();
    expect((await cicada.get<Requests>("stats/requests")).state).toBe("ready");
  }
});

test("an edit that is refused says why, and keeps the form open", async ({ page }) => {
  const form = new URLSearchParams({ user_count: "2", spawn_rate: "2" });
  await fetch(`${cicada.url}swarm`, { method: "POST", body: form });
  await page.goto(cicada.url);
  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("Number of users (peak concurrency)").fill("2000");
  await page.getByRole("button", { name: "Update" }).click();
  await expect(page.getByRole("alert").getByText("above the limit of 100 users")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Edit running load test" })).toBeVisible();
  expect((await cicada.get<Requests>("stats/requests")).user_count).toBeLessThanOrEqual(2);
});
