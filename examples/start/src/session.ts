/**
 * Who is signed in.
 *
 * Tokens are kept in memory only: no other script of this origin finds them in storage, and a reload
 * asks to sign in again. The access token lasts ten minutes; the refresh token gets the next one, and
 * is itself replaced each time.
 */
import { answer, client, Refused, type Schemas } from "./client";

interface Credential {
  access: string;
  /** Null for an API token, which is no session. */
  refresh: string | null;
  /** When the access token ends, by the clock of `performance.now`, which nobody sets. */
  endsAt: number;
}

export interface WorkspaceName {
  slug: string;
  name: string;
}

let credential: Credential | null = null;
let refreshing: Promise<void> | null = null;
let onEnd: (why: string) => void = () => {};

/** A token that is about to end is renewed before the call, and not after a refusal. */
const MARGIN = 30_000;

/** What happens when the session is over, whoever ended it. */
export function whenSessionEnds(then: (why: string) => void): void {
  onEnd = then;
}

export async function signIn(email: string, password: string): Promise<void> {
  take(await answer(client.POST("/v1/auth/login", { body: { email, password } })));
}

/** Uses an API token; throws where the server does not know it. */
export async function useToken(token: string): Promise<void> {
  credential = { access: token, refresh: null, endsAt: Number.POSITIVE_INFINITY };
  try {
    await answer(client.GET("/v1/auth/me"));
  } catch (error) {
    credential = null;
    throw error;
  }
}

export async function signOut(): Promise<void> {
  const session = credential?.refresh;
  try {
    // The server forgets the session; an API token stays good until it is revoked.
    if (session) await client.POST("/v1/auth/logout");
  } finally {
    end("You are signed out.");
  }
}

/** The workspaces of the caller: a person may have many, an API token has one. */
export async function workspaces(): Promise<{ caller: string; workspaces: WorkspaceName[] }> {
  const me = await answer(client.GET("/v1/auth/me"));
  if (me.workspace) return { caller: me.name, workspaces: [me.workspace] };
  const page = await answer(client.GET("/v1/workspaces", { params: { query: { limit: 200 } } }));
  return { caller: me.name, workspaces: page.items };
}

function take(signedIn: Schemas["SignedIn"]): void {
  credential = {
    access: signedIn.access_token,
    refresh: signedIn.refresh_token,
    endsAt: performance.now() + signedIn.expires_in * 1000,
  };
}

function end(why: string): void {
  if (!credential) return;
  credential = null;
  onEnd(why);
}

/** Gets the next access token: once, however many calls wait for it. */
function refresh(token: string): Promise<void> {
  refreshing ??= answer(client.POST("/v1/auth/refresh", { body: { refresh_token: token } }))
    .then(take)
    .catch((error: unknown) => {
      // Only a refusal ends the session; a server that cannot be reached may be there in a minute.
      if (error instanceof Refused && error.problem.status === 401) end("Your session is over. Sign in again.");
      throw error;
    })
    .finally(() => {
      refreshing = null;
    });
  return refreshing;
}

client.use({
  async onRequest({ request, schemaPath }) {
    if (schemaPath === "/v1/auth/login" || schemaPath === "/v1/auth/refresh" || !credential) return undefined;
    if (credential.refresh && performance.now() > credential.endsAt - MARGIN) await refresh(credential.refresh);
    if (credential) request.headers.set("Authorization", `Bearer ${credential.access}`);
    return request;
  },
  onResponse({ response, schemaPath }) {
    const signingIn = schemaPath === "/v1/auth/login" || schemaPath === "/v1/auth/me";
    if (response.status === 401 && !signingIn) end("Your session is over. Sign in again.");
  },
});
