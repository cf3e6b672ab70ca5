/** Scorecards and pictures as people see them: on a desk, on a phone, on paper, in light and in dark. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, api, demo, inBrowser, picture } from "./harness.js";

const here = `/v1/workspaces/${demo.start.workspace}`;

/** Fetches something that is no JSON, as whoever has the token. */
async function fetched(path, accept) {
  const response = await fetch(demo.url + path, { headers: { authorization: `Bearer ${demo.start.token}`, accept } });
  assert.ok(response.ok, `${path} answered ${response.status}`);
  return { text: await response.text(), headers: response.headers };
}

/** Shows an answer of the API at its own address, with its own policy, as a browser with a credential would. */
async function shown(page, path, accept) {
  const { text, headers } = await fetched(path, accept);
  const kept = ["content-type", "content-security-policy", "x-content-type-options", "referrer-policy"];
  await page.route(demo.url + path, (route) =>
    route.fulfill({ body: text, headers: Object.fromEntries(kept.map((name) => [name, headers.get(name)])) }),
  );
  await page.goto(demo.url + path);
}

/** Texts whose boxes meet or leave the window; those that stand in one another are one. */
function meeting() {
  const boxes = [];
  const head = document.querySelector("thead");
  // On a phone the head of the table is for those who listen.
  const unseen = head && getComputedStyle(head).clipPath !== "none" ? head : null;
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.data.trim() || node.parentElement.closest("title, desc, style, head")) continue;
    if (unseen?.contains(node)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const { left, right, top, bottom } of range.getClientRects()) {
      if (right - left > 1 && bottom - top > 1 && getComputedStyle(node.parentElement).visibility === "visible") {
        boxes.push({ says: node.data.trim(), left, right, top, bottom });
      }
    }
  }
  const wide = document.documentElement.clientWidth || innerWidth;
  const told = boxes.filter(({ left, right }) => left < -0.5 || right > wide + 0.5).map(({ says }) => `${says} sticks out`);
  boxes.forEach((one, place) => {
    for (const other of boxes.slice(place + 1)) {
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      // Lines of text share a little of the room between them.
      if (across > 1 && down > 4) told.push(`${one.says} meets ${other.says}`);
    }
  });
  return { told, count: boxes.length };
}

async function readsWell(page, where) {
  const { told, count } = await page.evaluate(meeting);
  assert.deepEqual(told, [], where);
  return count;
}

test("the scorecard reads well on a desk, on a phone and on paper", () =>
  inBrowser(async (page) => {
    await shown(page, `${here}/scorecard`, "text/html");
    const { rows } = await api(`${here}/scorecard`);
    assert.ok(rows.length >= 5, `${rows.length} rows`);
    assert.deepEqual(await page.getByRole("rowheader").count(), rows.length);
    assert.equal(await page.getByRole("columnheader").count(), 8);
    const lines = page.locator("td svg[role=img]");
    assert.equal(await lines.count(), rows.filter(({ recent }) => recent.some(({ value }) => value !== null)).length);
    for (const said of await lines.evaluateAll((all) => all.map((line) => line.getAttribute("aria-label")))) {
      assert.match(said, /values from \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d: lowest .+, highest .+, newest .+/);
    }
    await accessible(page, "the scorecard");
    assert.ok((await readsWell(page, "on a desk")) > 50);
    await picture(page, "scorecard");

    for (const width of [320, 390, 800]) {
      await page.setViewportSize({ width, height: 700 });
      const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      assert.ok(wide <= room, `the page is ${wide} wide where there is room for ${room}`);
      await readsWell(page, `${width} wide`);
    }
    await page.setViewportSize({ width: 320, height: 700 });
    await accessible(page, "the scorecard on a phone");

    // A4 on its side, without the margins: (297 - 24) mm.
    await page.setViewportSize({ width: 1032, height: 700 });
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    await readsWell(page, "on paper");
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
    assert.equal(await page.locator("table").evaluate((table) => getComputedStyle(table).display), "table");
    const paper = await page.pdf({ preferCSSPageSize: true, printBackground: true });
    assert.ok(paper.length > 10_000);
  }));

test("charts say what they show, and no words meet at any width", () =>
  inBrowser(async (page) => {
    const { items } = await api(`${here}/kpis?limit=50`);
    for (const { key, name } of items) {
      for (const [width, theme] of [[320, "auto"], [640, "light"], [1200, "dark"]]) {
        await page.setViewportSize({ width, height: 900 });
        await shown(page, `${here}/kpis/${key}/chart.svg?width=${width}&theme=${theme}`, "image/svg+xml");
        await readsWell(page, `${key} at ${width}`);
        const drawn = page.locator("svg");
        assert.equal(await drawn.getAttribute("role"), "img");
        assert.equal(await page.locator("title").textContent(), name);
        assert.ok((await page.locator("desc").textContent()).length > 20);
        const outside = await page.evaluate((room) => {
          const drawn = [...document.querySelectorAll("path, line, rect, circle, text")];
          const boxes = drawn.map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()]);
          const height = document.documentElement.getBoundingClientRect().bottom;
          return boxes.filter(([, box]) => box.left < -0.5 || box.right > room + 0.5 || box.bottom > height + 0.5).map(([one]) => one);
        }, width);
        assert.deepEqual(outside, [], `${key} at ${width}`);
        const back = await page.locator("rect.back").evaluate((rect) => getComputedStyle(rect).fill);
        assert.equal(back, theme === "dark" ? "rgb(20, 27, 34)" : "rgb(255, 255, 255)");
      }
    }
    await page.setViewportSize({ width: 640, height: 420 });
    await shown(page, `${here}/kpis/churn-rate/chart.svg`, "image/svg+xml");
    await picture(page, "chart");
    await page.emulateMedia({ colorScheme: "dark" });
    assert.equal(await page.locator("rect.back").evaluate((rect) => getComputedStyle(rect).fill), "rgb(20, 27, 34)");
  }));

test("badges and sparklines are whole", () =>
  inBrowser(async (page) => {
    const { items } = await api(`${here}/kpis?limit=50`);
    for (const { key, name, health } of items) {
      await shown(page, `${here}/kpis/${key}/badge.svg`, "image/svg+xml");
      await readsWell(page, `the badge of ${key}`);
      const words = await page.locator("text").allTextContents();
      assert.equal(words[0], name);
      assert.ok(words[1].endsWith(health.replace("_", " ")), words[1]);
      const fits = await page.evaluate(() => {
        const right = document.documentElement.getBoundingClientRect().right;
        return [...document.querySelectorAll("text")].every((text) => text.getBoundingClientRect().right <= right);
      });
      assert.ok(fits, `the badge of ${key}`);
      await shown(page, `${here}/kpis/${key}/sparkline.svg`, "image/svg+xml");
      assert.ok((await page.locator("desc").textContent()).length > 10);
    }
  }));

test("a link shows a picture in a page elsewhere, and asks nothing else", () =>
  inBrowser(async (page) => {
    const signed = await api("/v1/auth/login", {
      method: "POST",
      token: "none",
      body: JSON.stringify({ email: demo.email, password: demo.password }),
    });
    const made = await api(`${here}/links`, {
      method: "POST",
      token: signed.access_token,
      body: JSON.stringify({ name: "A test", kind: "chart", kpi_id: "churn-rate" }),
    });
    const sheet = await api(`${here}/links`, {
      method: "POST",
      token: signed.access_token,
      body: JSON.stringify({ name: "A test", kind: "scorecard" }),
    });
    await page.setContent(`<img alt="Churn rate" src="${demo.url}${made.shared_path}?width=320">`);
    const image = page.getByRole("img");
    await image.evaluate((one) => one.decode());
    assert.equal(await image.evaluate((one) => one.naturalWidth), 320);
    await page.goto(demo.url + sheet.shared_path);
    await page.getByRole("rowheader").first().waitFor();
    await accessible(page, "a shared scorecard");
  }));
