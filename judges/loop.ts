// The loop of the README, through the types that openapi-typescript makes and openapi-fetch.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { paths } from "./schema";

const baseUrl = process.argv[2];
assert(baseUrl, "usage: loop.js ORIGIN");

/** The answer of a call that must succeed. */
async function good<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  assert(data !== undefined, `${response.url}: ${response.status} ${JSON.stringify(error)}`);
  return data;
}

/** Some reports answer text too; this asks for JSON, and refusals are JSON always. */
type Media = "application/json" | "application/problem+json";

const unique = randomUUID().slice(0, 8);
const stranger = createClient<paths, Media>({ baseUrl });
const session = await good(
  stranger.POST("/v1/auth/register", {
    body: { email: `ann-${unique}@example.com`, name: "Ann", password: `seven purple bicycles ${unique}` },
  }),
);
const bearer = (token: string) => createClient<paths, Media>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
const ann = bearer(session.access_token);
const { slug } = await good(ann.POST("/v1/workspaces", { body: { name: "Acme", slug: `acme-${unique}` } }));
const workspace = { workspace: slug };
const made = await good(
  ann.POST("/v1/workspaces/{workspace}/tokens", {
    params: { path: workspace },
    body: { name: "script", kind: "personal", scopes: ["read", "write"] },
  }),
);
assert(made.token, "the token is shown once");
const script = bearer(made.token);

const kpi = await good(
  script.POST("/v1/workspaces/{workspace}/kpis", {
    params: { path: workspace },
    body: {
      name: "Churn rate",
      target: { max: 3 },
      tolerance: { max: 4 },
      display: { style: "percent" },
    },
  }),
);
assert.equal(kpi.key, "churn-rate");
assert.equal(kpi.health, "unknown");
assert.equal(kpi.target?.max, 3);

const today = new Date().toISOString().slice(0, 10);
const post = (value: number) =>
  good(
    script.PUT("/v1/workspaces/{workspace}/kpis/{kpi}/points/{at}", {
      params: { path: { ...workspace, kpi: kpi.key, at: today } },
      body: { value },
    }),
  );
const triage = () => good(script.GET("/v1/workspaces/{workspace}/triage", { params: { path: workspace } }));
const remedies = () =>
  good(
    script.GET("/v1/workspaces/{workspace}/kpis/{kpi}/remedies", {
      params: { path: { ...workspace, kpi: kpi.key } },
    }),
  );

await post(4.6);
const ill = await triage();
assert.deepEqual(ill.untreated.map((row) => row.key), ["churn-rate"]);
assert.equal(ill.untreated[0]?.health, "unhealthy");
assert.deepEqual(ill.in_treatment, []);

const remedy = await good(
  script.POST("/v1/workspaces/{workspace}/kpis/{kpi}/remedies", {
    params: { path: { ...workspace, kpi: kpi.key } },
    body: {},
  }),
);
assert.equal(remedy.kpi_id, kpi.id);
const treated = await triage();
assert.deepEqual(treated.untreated, []);
assert.deepEqual(treated.in_treatment.map((row) => row.key), ["churn-rate"]);

await post(2.8);
const healed = await remedies();
assert.deepEqual(healed.items.map((one) => one.id), [remedy.id]);
assert.equal(healed.items[0]?.outcome, "recovered");
assert.deepEqual((await triage()).untreated, []);

const refused = await script.GET("/v1/workspaces/{workspace}/kpis/{kpi}", {
  params: { path: { ...workspace, kpi: "no-such-kpi" } },
});
assert.equal(refused.response.status, 404);
assert.equal(refused.error?.code, "not_found");
console.log(`the loop ran for ${remedy.id}`);
