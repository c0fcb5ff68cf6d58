// Logging in and out: behind a front door that keeps browsers from asking, under a path, and without either.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";

import { FrontDoor } from "./support/front-door";
import { Cicada } from "./support/programs";
import { expect, overflow, picture, test } from "./support/watched";

const PASSWORD = "demo:pass:wörd";

const asks = (page: Page) => expect(page.getByLabel("Password")).toBeVisible();
const works = (page: Page) => expect(page.getByRole("tab", { name: "Ledger", exact: true })).toBeVisible();

async function logIn(page: Page, password = "pass:wörd"): Promise<void> {
  await page.getByLabel("Name").fill("demo");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

/** What a person does, from the first visit on; the server has no run yet. */
async function everything(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await asks(page);
  await logIn(page, "a guess");
  await expect(page.getByText("The name or the password is wrong.")).toBeVisible();
  await logIn(page);
  await page.getByRole("button", { name: "Log out" }).waitFor();
  expect(page.url()).toBe(url);
  await page.getByRole("button", { name: "Start", exact: false }).click();
  await works(page);
  await expect(page.getByRole("row").filter({ hasText: "Aggregated" })).toBeVisible();
  await page.reload();
  await works(page);
  const tab = await page.context().newPage();
  await tab.goto(`${url}?tab=ledger`);
  await works(tab);
  await page.getByRole("button", { name: "Log out" }).click();
  await asks(page);
  expect(page.url()).toBe(url);
  await page.reload();
  await asks(page);
  // the page that is still open says so, and leads back to where it was
  await expect(tab.getByText("You are logged out.")).toBeVisible();
  await tab.getByRole("button", { name: "Log in" }).click();
  await logIn(tab);
  await works(tab);
  expect(tab.url()).toBe(`${url}?tab=ledger`);
  await tab.getByRole("button", { name: "Stop" }).click();
  await expect(tab.getByRole("button", { name: "New", exact: true })).toBeVisible();
}

test.use({ ignoreHTTPSErrors: true });
test.beforeEach(({ watch }) => watch.expectStatus(401));

test("behind a front door that renames the header", async ({ page }) => {
  const cicada = await Cicada.locked(PASSWORD);
  const door = await FrontDoor.before(cicada.url);
  try {
    await everything(page, door.url);
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ path: "/", httpOnly: true, sameSite: "Strict", secure: true });
  } finally {
    await door.stop();
    await cicada.stop();
  }
});

test("under a path, without a front door, without scripts", async ({ page, browser }) => {
  const cicada = await Cicada.locked(PASSWORD, "--web-base-path", "/tools/cicada");
  try {
    await everything(page, cicada.url);
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const form = await plain.newPage();
    await form.goto(`${cicada.url}tasks`);
    await logIn(form);
    await expect(form.getByText('"per_class"')).toBeVisible();
    const [cookie] = await plain.cookies();
    expect(cookie).toMatchObject({ path: "/tools/cicada", httpOnly: true, sameSite: "Strict", secure: false });
    const inADay = Date.now() / 1000 + 24 * 60 * 60;
    expect(Math.abs((cookie?.expires ?? 0) - inADay)).toBeLessThan(120);
    await plain.close();
  } finally {
    await cicada.stop();
  }
});

test("another password asks anew, and the same one after a restart does not", async ({ page }) => {
  const first = await Cicada.locked(PASSWORD);
  const port = new URL(first.url).port;
  await page.goto(first.url);
  await logIn(page);
  await page.getByRole("button", { name: "Log out" }).waitFor();
  // an open page would say that nobody answers
  await page.goto("about:blank");
  await first.stop();
  const same = await Cicada.locked(PASSWORD, "--web-port", port);
  await page.goto(first.url);
  await page.getByRole("button", { name: "Log out" }).waitFor();
  await page.goto("about:blank");
  await same.stop();
  const changed = await Cicada.locked("demo:another", "--web-port", port);
  await page.goto(first.url);
  await asks(page);
  await changed.stop();
});

test("links and pages of another site", async ({ page, watch }) => {
  watch.expectStatus(403);
  const cicada = await Cicada.locked(PASSWORD);
  const site = await elsewhere(cicada.url);
  try {
    await page.goto(cicada.url);
    await logIn(page);
    await page.getByRole("button", { name: "Start", exact: false }).click();
    await works(page);
    const [session] = await page.context().cookies();
    const cookie = `${session?.name}=${session?.value}`;
    const state = async () => {
      const answer = await fetch(`${cicada.url}stats/requests`, { headers: { cookie } });
      return ((await answer.json()) as { state: string }).state;
    };
    await expect.poll(state).toMatch(/spawning|running/);
    // a browser keeps a strict cookie from a link elsewhere: the page leads once more to where it led
    await page.goto(site.url);
    await page.getByRole("link", { name: "Cicada" }).click();
    await works(page);
    await page.goto(site.url);
    await page.getByRole("link", { name: "stop" }).click();
    await asks(page);
    await page.goto(site.url);
    await page.getByRole("button", { name: "stop" }).click();
    await expect(page.getByText("pages of other sites may change nothing").or(page.getByLabel("Password"))).toBeVisible();
    await page.goto(site.url);
    await page.getByRole("button", { name: "log in" }).click();
    await expect(page.getByText("pages of other sites may change nothing")).toBeVisible();
    expect(await state()).toMatch(/spawning|running/);
  } finally {
    await new Promise((closed) => site.server.close(closed));
    await cicada.stop();
  }
});

/** Another site's page about a Cicada. */
async function elsewhere(cicada: string): Promise<{ server: Server; url: string }> {
  const page = `<!doctype html><link rel="icon" href="data:,"><a href="${cicada}?tab=ledger">Cicada</a>
    <a href="${cicada}stop">stop</a><form method="post" action="${cicada}stop"><button>stop</button></form>
    <form method="post" action="${cicada}login"><input name="name" value="demo"><input name="password" value="pass:wörd">
    <button>log in</button></form>`;
  const server = createServer((_, answer) => answer.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page));
  await new Promise<void>((listening) => server.listen(0, "localhost", listening));
  return { server, url: `http://localhost:${(server.address() as AddressInfo).port}/` };
}

test("the form by day, by night and on the smallest phone", async ({ page }) => {
  const cicada = await Cicada.locked(PASSWORD);
  await page.goto(cicada.url);
  await picture(page, "login-light");
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(await paper()).toBe("rgb(247, 248, 244)");
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await paper()).toBe("rgb(18, 18, 18)");
  await page.setViewportSize({ width: 320, height: 568 });
  await logIn(page, "a guess");
  await expect(page.getByRole("alert")).toBeVisible();
  expect(await overflow(page)).toBe(0);
  await picture(page, "login-phone");
  await expect(page.getByLabel("Name")).toBeFocused();
  await logIn(page);
  await page.getByRole("button", { name: "menu" }).click();
  await page.getByRole("button", { name: "Log out" }).click();
  await asks(page);
  await cicada.stop();
});
