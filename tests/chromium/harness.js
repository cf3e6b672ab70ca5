/** A browser for each test, which notes whatever a page must not do. */
import assert from "node:assert/strict";
import { join } from "node:path";
import axe from "axe-core";
import { chromium } from "playwright-core";

/** What the demo announced, and where things are; tests/browser sets it all. */
export const demo = JSON.parse(setting("REGIMEN_DEMO"));
const screenshots = process.env.REGIMEN_SCREENSHOTS ?? "";

function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run tests/browser`);
  return value;
}

/** Calls the API as a program does. */
export async function api(path, { token = demo.start.token, ...options } = {}) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(demo.url + path, { headers, ...options });
  assert.ok(response.ok, `${path} answered ${response.status}: ${await response.clone().text()}`);
  return response.json();
}

/** Runs a test in a browser with an empty profile, and fails it where the page did what it must not. */
export async function inBrowser(test, { origins = [demo.url], ...context } = {}) {
  const browser = await chromium.launch({
    executablePath: setting("REGIMEN_CHROMIUM"),
    // Root cannot use the sandbox.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 }, ...context });
    // A busy machine is slow, and no fault of the page.
    page.setDefaultTimeout(120_000);
    const faults = [];
    const excused = [];
    page.on("request", (request) => {
      const url = new URL(request.url());
      const local = ["data:", "blob:", "about:"].includes(url.protocol);
      const socket = url.origin.replace(/^ws/, "http");
      if (!local && !origins.includes(socket)) faults.push(`it asked ${request.url()}`);
    });
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) faults.push(`the console says: ${message.text()}`);
    });
    page.on("pageerror", (error) => faults.push(`it threw ${error.stack}`));
    page.on("requestfailed", (request) => faults.push(`${request.url()} failed: ${request.failure()?.errorText}`));
    await page.exposeFunction("noteViolation", (text) => faults.push(`its policy was broken: ${text}`));
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) =>
        window.noteViolation(`${event.violatedDirective} ${event.blockedURI}`),
      );
    });
    await page.addInitScript({ content: axe.source });
    try {
      await test(page, { excuse: (text) => excused.push(text) });
    } catch (error) {
      console.error(await around(page, faults));
      throw error;
    }
    for (const text of excused) {
      const place = faults.findIndex((fault) => fault.includes(text));
      assert.notEqual(place, -1, `the test expected the page to complain of: ${text}`);
      faults.splice(place, 1);
    }
    assert.deepEqual(faults, []);
  } finally {
    await browser.close();
  }
}

async function around(page, faults) {
  const text = await page.locator("body").innerText().catch(() => "");
  return [`at ${page.url()}`, ...faults, "the page shows:", text.slice(0, 2000)].join("\n");
}

/** What a machine can tell of accessibility, in light and in dark. */
export async function accessible(page, where) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate(() => window.axe.run());
    const told = violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}`));
    assert.deepEqual(told, [], `${where}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/** Nothing sticks out on a phone. */
export async function fitsAPhone(page) {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 740 });
  const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(wide <= room, `the page is ${wide} wide where there is room for ${room}`);
  await page.setViewportSize(before);
}

/** A picture for the documentation, where they are asked for. */
export async function picture(page, name) {
  if (screenshots) await page.screenshot({ path: join(screenshots, `${name}.png`) });
}

/** Goes to something by the keyboard, as somebody does who has no mouse. */
export async function tabTo(page, target) {
  for (let steps = 0; steps < 300; steps += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`the keyboard does not reach ${target}`);
}
