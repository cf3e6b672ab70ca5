/**
 * The client: types generated from the OpenAPI document, calls made by openapi-fetch.
 *
 * Paths, parameters, bodies and answers are checked by the compiler against the very document that
 * the server checks bodies against.
 */
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** Served by Regimen the page calls where it comes from; served by vite, the demo's usual address. */
const server = import.meta.env.VITE_REGIMEN ?? (import.meta.env.DEV ? "http://127.0.0.1:8080" : location.origin);

// Triage can answer as text too; this page takes JSON.
export const client = createClient<paths, "application/json">({ baseUrl: server });

/** Where a page of the server itself is, such as the `type` of a problem. */
export function onServer(path: string): string {
  return new URL(path, server).href;
}

/** A refusal, as every refusal of this API is told (RFC 9457). */
export class Refused extends Error {
  constructor(readonly problem: Schemas["Problem"]) {
    super(problem.detail);
  }
}

/** What a call answers, or an error that can be shown. */
export async function answer<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<NonNullable<T>> {
  let result;
  try {
    result = await call;
  } catch (cause) {
    throw cause instanceof Refused ? cause : new Error("The server cannot be reached.", { cause });
  }
  if (isProblem(result.error)) throw new Refused(result.error);
  if (result.data === undefined || result.data === null) {
    throw new Error(`The server answered ${result.response.status}, and nothing else.`);
  }
  return result.data;
}

function isProblem(error: unknown): error is Schemas["Problem"] {
  return typeof error === "object" && error !== null && "code" in error && "detail" in error && "errors" in error;
}
