/** The documentation page: from the binary alone, complete, and good for trying things. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { demo, inBrowser, picture } from "./harness.js";

test("/docs lists every operation, takes a token, and tries triage", () =>
  inBrowser(async (page) => {
    await page.goto(`${demo.url}/docs`);
    await page.locator(".opblock").first().waitFor();

    const described = await (await fetch(`${demo.url}/openapi.json`)).json();
    const operations = Object.values(described.paths).flatMap((item) => Object.values(item));
    const listed = await page.locator(".opblock").evaluateAll((blocks) => blocks.map((block) => block.id));
    assert.equal(listed.length, operations.length);
    for (const { tags, operationId } of operations) {
      assert.ok(listed.includes(`operations-${tags[0]}-${operationId}`), `${operationId} is not listed`);
    }

    await page.getByRole("button", { name: "Authorize" }).first().click();
    const dialog = page.locator(".modal-ux");
    await dialog.locator("input").fill(demo.start.token);
    await dialog.getByRole("button", { name: "Apply credentials" }).click();
    await dialog.getByRole("button", { name: "Close" }).last().click();

    const triage = page.locator("#operations-triage-show_triage");
    await triage.locator(".opblock-summary-control").click();
    await triage.locator('tr[data-param-name="workspace"] input').fill(demo.start.workspace);
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().includes("/triage")),
      triage.getByRole("button", { name: "Execute" }).click(),
    ]);
    assert.equal(answer.status(), 200);
    const live = triage.locator(".live-responses-table");
    await live.getByText('"untreated"').first().waitFor();
    assert.equal((await live.locator(".response-col_status").last().innerText()).trim().slice(0, 3), "200");

    // For the picture: what was asked, without the token, and the beginning of the answer.
    await triage.locator(".curl span", { hasText: demo.start.token }).evaluateAll((spans, token) => {
      for (const span of spans) span.textContent = span.textContent.replace(token, "rgm_…");
    }, demo.start.token);
    await triage.locator(".btn-group").evaluate((buttons) => buttons.scrollIntoView());
    await picture(page, "docs");
  }));

test("/docs needs no token to be read, and says what is missing", () =>
  inBrowser(async (page, { excuse }) => {
    await page.goto(`${demo.url}/docs/`);
    const triage = page.locator("#operations-triage-show_triage");
    await triage.locator(".opblock-summary-control").click();
    await triage.locator('tr[data-param-name="workspace"] input').fill(demo.start.workspace);
    await triage.getByRole("button", { name: "Execute" }).click();
    await triage.locator(".live-responses-table").getByText("credential_required").first().waitFor();
    excuse("the server responded with a status of 401");
  }));
