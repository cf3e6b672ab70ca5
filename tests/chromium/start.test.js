/** The page at /start/: the loop of a KPI, by keyboard, and what a newcomer may do wrong. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { test } from "node:test";
import { accessible, api, demo, fitsAPhone, inBrowser, picture, tabTo } from "./harness.js";

const shop = `/v1/workspaces/${demo.start.workspace}`;

async function signIn(page, url = `${demo.url}/start`) {
  await page.goto(url);
  await tabTo(page, page.getByLabel("E-mail"));
  await page.keyboard.type(demo.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(demo.password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Untreated" }).waitFor();
}

const group = (page, name) => page.getByRole("region", { name });
const card = (page, name) => page.getByRole("article", { name });

test("a newcomer signs in, prescribes, and sees the KPI heal, by keyboard alone", () =>
  inBrowser(async (page) => {
    await page.clock.install();
    await signIn(page);
    const before = await api(`${shop}/triage`);
    for (const row of before.untreated) await group(page, "Untreated").getByRole("article", { name: row.name }).waitFor();
    assert.match(await card(page, "Churn rate").innerText(), /4\.6\s%[\s\S]*at most 3\.0\s%[\s\S]*Unhealthy since/);
    await picture(page, "start");
    await accessible(page, "triage");
    await fitsAPhone(page);

    await tabTo(page, page.getByRole("button", { name: "Prescribe an objective for Churn rate" }));
    await page.keyboard.press("Enter");
    const treated = group(page, "In treatment").getByRole("article", { name: "Churn rate" });
    await treated.waitFor();
    await page.getByRole("status").getByText("Prescribed:").waitFor();
    // The focus stays with what was treated.
    assert.ok(await treated.getByRole("heading", { level: 3 }).evaluate((heading) => heading === document.activeElement));
    const after = await api(`${shop}/triage`);
    assert.deepEqual(
      after.in_treatment.filter((row) => row.key === "churn-rate").map((row) => row.remedies.length),
      [1],
    );

    // Somebody posts a better value; the page sees the event and shows it.
    const today = after.as_of;
    await api(`${shop}/kpis/churn-rate/points/${today}`, { method: "PUT", body: JSON.stringify({ value: 2.8 }) });
    await page.clock.fastForward(10_000);
    await group(page, "Recovered").getByRole("article", { name: "Churn rate" }).waitFor();
  }));

test("a wrong value is named beside its field, and a right one is kept", () =>
  inBrowser(async (page, { excuse }) => {
    await page.clock.install();
    await signIn(page);
    const remedied = card(page, "Visitor-to-lead conversion");
    await tabTo(page, remedied.locator("summary").first());
    await page.keyboard.press("Enter");
    const checkIn = remedied.getByRole("button", { name: "Check in on New pages live" });
    await checkIn.waitFor();
    await tabTo(page, checkIn);
    await page.keyboard.press("Enter");
    const value = remedied.getByLabel("Value");
    await page.keyboard.type("85");
    await page.keyboard.press("Enter");
    await remedied.getByText("a milestone takes the share that is done, 0 to 1").waitFor();
    assert.equal(await value.getAttribute("aria-invalid"), "true");
    assert.match(await value.evaluate((input) => document.getElementById(input.getAttribute("aria-describedby").split(" ").at(-1)).textContent), /milestone/);
    assert.ok(await value.evaluate((input) => input === document.activeElement), "the field to blame has the focus");
    excuse("the server responded with a status of 422");
    await accessible(page, "a refused check-in");
    await fitsAPhone(page);

    // What others do meanwhile sweeps no form away.
    const { as_of: today } = await api(`${shop}/triage`);
    await api(`${shop}/kpis/organic-visits/points/${today}`, { method: "PUT", body: JSON.stringify({ value: 3741 }) });
    await page.clock.fastForward(10_000);
    await page.getByText("Something changed in the meantime.").waitFor();
    assert.equal(await value.inputValue(), "85");

    await page.keyboard.press("Control+A");
    await page.keyboard.type("ninety");
    await page.keyboard.press("Enter");
    await remedied.getByText("a number is needed").waitFor();

    await page.keyboard.press("Control+A");
    await page.keyboard.type("0.9");
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Tab");
    // What people write is text, whatever it looks like.
    const note = "<b>The check-out</b> is live.";
    await page.keyboard.type(note);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("status").getByText("Checked in on New pages live.").waitFor();
    await remedied.getByText(note).waitFor();
    const { items } = await api(`${shop}/key-results?q=New%20pages%20live`);
    const { value: kept, confidence, note: said } = items[0].last_check_in;
    assert.deepEqual({ kept, confidence, said }, { kept: 0.9, confidence: "at_risk", said: note });
    await page.getByRole("complementary").getByText("check in created").first().waitFor();
    await page.getByRole("button", { name: "Show it" }).click();
    await card(page, "Organic visits").getByText("3,741 visits").waitFor();
  }));

test("a wrong password is refused, and a token opens its own workspace", () =>
  inBrowser(async (page, { excuse }) => {
    await page.goto(`${demo.url}/start/`);
    await accessible(page, "signing in");
    await fitsAPhone(page);
    await page.getByLabel("E-mail").fill(demo.email);
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").getByText("Signing in failed").waitFor();
    excuse("the server responded with a status of 401");

    await page.getByText("Use an API token instead").click();
    await page.getByLabel("API token").fill(demo.token);
    await page.getByRole("button", { name: "Use this token" }).click();
    await page.getByRole("heading", { name: "NHS England A&E" }).waitFor();
    assert.equal(await page.getByLabel("Workspace").locator("option").count(), 1);

    // The past can be looked at, and not be changed.
    await page.getByLabel("As of").fill("2019-03-31");
    await page.getByText("31 Mar 2019: 76 unhealthy KPIs wait for a remedy.").waitFor();
    assert.equal(await page.getByRole("button", { name: /Prescribe/ }).count(), 0);
    await group(page, "Untreated").getByText("70 more").click();
    assert.equal(await group(page, "Untreated").getByRole("article").count(), 76);

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Regimen" }).waitFor();
    await page.reload();
    await page.getByLabel("E-mail").waitFor();
    assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length), 0);
  }));

test("the session goes on when the access token ends, and is over when it is ended elsewhere", () =>
  inBrowser(async (page, { excuse }) => {
    await page.clock.install();
    await signIn(page);
    const refreshed = page.waitForResponse((response) => response.url().endsWith("/v1/auth/refresh"));
    await page.clock.fastForward("10:00");
    assert.equal((await refreshed).status(), 200);
    await page.getByLabel("Workspace").selectOption("nhs-england");
    await page.getByRole("heading", { name: "NHS England A&E" }).waitFor();

    // The next token is refused as it is when somebody signed out everywhere.
    await page.route("**/v1/auth/refresh", (route) => route.continue({ postData: JSON.stringify({ refresh_token: `rgr_${"x".repeat(43)}` }) }));
    await page.clock.fastForward("10:00");
    await page.getByLabel("E-mail").waitFor();
    await page.getByRole("status").getByText("Your session is over").waitFor();
    excuse("the server responded with a status of 401");
  }));

test("served by vite, the page calls the demo across origins", async () => {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const vite = spawn("node_modules/.bin/vite", ["--host", "127.0.0.1", "--port", String(port), "--strictPort"], {
    cwd: new URL("../../examples/start", import.meta.url),
    env: { ...process.env, VITE_REGIMEN: demo.url },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await new Promise((ready, gone) => {
      vite.stdout.on("data", (text) => String(text).includes("ready in") && ready());
      vite.on("exit", () => gone(new Error("vite ended")));
    });
    await inBrowser((page) => signIn(page, origin), { origins: [origin, demo.url] });
  } finally {
    vite.kill();
  }
});

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
