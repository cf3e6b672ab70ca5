/**
 * A small page on the Regimen API: sign in, see what needs a person, prescribe, check in.
 *
 * It is meant to be read, and to be begun from: plain TypeScript, no framework, and a client that is
 * generated from the OpenAPI document.
 */
import { element, tell } from "./dom";
import { whenSessionEnds, workspaces } from "./session";
import { messageOf } from "./views/refusal";
import { signInView } from "./views/sign-in";
import { workspaceView } from "./views/workspace";

const page = document.getElementById("page") ?? document.body;
let leave: () => void = () => {};

function show(content: HTMLElement): void {
  leave();
  leave = () => {};
  page.replaceChildren(content);
  content.querySelector<HTMLElement>("h1")?.focus();
}

function toSignIn(why: string): void {
  show(signInView(enter, why));
  tell(why);
}

async function enter(): Promise<void> {
  const mine = await workspaces();
  if (mine.workspaces.length === 0) {
    show(element("main", { class: "narrow" }, element("h1", { tabindex: -1 }, "No workspace yet"), "Make one by the API."));
    return;
  }
  const view = workspaceView(mine.caller, mine.workspaces);
  show(view.content);
  leave = view.leave;
  await view.ready.catch((error: unknown) => tell(messageOf(error)));
}

whenSessionEnds(toSignIn);
toSignIn("");
