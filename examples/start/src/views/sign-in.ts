/** Signing in: with e-mail and password, or by pasting an API token. */
import { element, tell, whileBusy } from "../dom";
import { signIn, useToken } from "../session";
import { textField } from "./fields";
import { clearRefusal, showRefusal, type Field } from "./refusal";

/** `why` says why somebody who was signed in is here. */
export function signInView(entered: () => Promise<void>, why: string): HTMLElement {
  const email = textField(
    "/email",
    "E-mail",
    element("input", { type: "email", autocomplete: "username", required: true }),
  );
  const password = textField(
    "/password",
    "Password",
    element("input", { type: "password", autocomplete: "current-password", required: true }),
  );
  const token = textField(
    "/token",
    "API token",
    element("input", { type: "password", autocomplete: "off", required: true, spellcheck: "false" }),
    "It begins with rgm_ and belongs to one workspace.",
  );
  return element(
    "main",
    { class: "narrow" },
    element("h1", { tabindex: -1 }, "Regimen"),
    element("p", { class: "lead" }, "KPIs diagnose, OKRs prescribe. Sign in to see what needs you today."),
    why !== "" && element("p", { class: "news" }, why),
    form([email, password], "Sign in", () => signIn(email.input.value, password.input.value), entered),
    element(
      "details",
      { class: "other-way" },
      element("summary", {}, "Use an API token instead"),
      form([token], "Use this token", () => useToken(token.input.value.trim()), entered),
    ),
    element(
      "p",
      { class: "hint" },
      "In the demo, e-mail, password and tokens stand in the JSON line that ",
      element("code", {}, "regimen demo"),
      " prints when it starts.",
    ),
  );
}

function form(fields: Field[], action: string, work: () => Promise<void>, entered: () => Promise<void>): HTMLElement {
  const above = element("div");
  const button = element("button", { type: "submit", class: "primary" }, action);
  const submit = (event: Event): void => {
    event.preventDefault();
    void whileBusy(button, async () => {
      clearRefusal(fields, above);
      tell("");
      try {
        await work();
        await entered();
      } catch (error) {
        showRefusal(error, fields, above);
      }
    });
  };
  return element("form", { submit, class: "card" }, above, ...fields.map((field) => field.row), button);
}
