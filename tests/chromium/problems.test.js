/** The pages about problems. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, api, demo, fitsAPhone, inBrowser } from "./harness.js";

test("a browser gets a page about every kind of problem, and a program the same as JSON", () =>
  inBrowser(async (page) => {
    const { items } = await api("/problems");
    assert.ok(items.length > 30, `${items.length} kinds`);
    await page.goto(`${demo.url}/problems`);
    const links = page.locator("dt a");
    assert.deepEqual(
      await links.evaluateAll((all) => all.map((link) => link.getAttribute("href"))),
      items.map(({ code }) => `/problems/${code}`),
    );
    await accessible(page, "/problems");
    await fitsAPhone(page);

    for (const { code, status, title, explanation } of items) {
      const response = await page.goto(`${demo.url}/problems/${code}`);
      assert.match(response.headers()["content-type"], /^text\/html/);
      assert.equal(await page.locator("h1").innerText(), title);
      assert.equal(await page.locator(".lead").innerText(), explanation.replaceAll("`", "").replace(/\s+/g, " "));
      assert.equal(await page.locator(".status").innerText(), `${status} ${code}`);
    }
    await accessible(page, "/problems/{code}");
    await page.getByRole("link", { name: "All problems" }).click();
    await page.getByRole("heading", { name: "Problems", exact: true }).waitFor();
  }));

test("a page that the browser knows already keeps its style", () =>
  inBrowser(async (page) => {
    const width = () => page.evaluate(() => getComputedStyle(document.body).maxWidth);
    await page.goto(`${demo.url}/problems/not_found`);
    const styled = await width();
    assert.notEqual(styled, "none");
    const again = page.waitForResponse(`${demo.url}/problems/not_found`);
    await page.reload();
    // The server says 304, and the browser takes the policy of that answer for the page it has.
    assert.ok((await (await again).request().allHeaders())["if-none-match"], "the browser asks whether it changed");
    assert.equal(await width(), styled);
  }));
