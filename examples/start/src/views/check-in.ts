/** Checking in on a key result: a value, how confident people are, and what happened. */
import { answer, client, type Schemas } from "../client";
import { element, whileBusy } from "../dom";
import { choiceField, textField } from "./fields";
import { clearRefusal, showRefusal, type Field } from "./refusal";

const CONFIDENCE = [
  ["on_track", "On track"],
  ["at_risk", "At risk"],
  ["off_track", "Off track"],
] as const;

export function checkInForm(
  workspace: string,
  keyResult: Schemas["KeyResult"],
  done: () => Promise<void>,
): HTMLFormElement {
  const byHand = keyResult.source === "manual";
  const value = textField(
    "/value",
    "Value",
    element("input", { type: "text", inputmode: "decimal", autocomplete: "off" }),
    unitOf(keyResult),
  );
  const confidence = choiceField("/confidence", "Confidence", CONFIDENCE, keyResult.confidence ?? "on_track");
  const note = textField("/note", "Note", element("textarea", { rows: 2 }), "What happened, and why. Optional.");
  const fields: Field[] = byHand ? [value, confidence, note] : [confidence, note];
  const above = element("div");
  const button = element("button", { type: "submit", class: "primary" }, "Save check-in");

  async function save(): Promise<void> {
    clearRefusal(fields, above);
    const body: Schemas["NewCheckIn"] = { confidence: confidence.chosen() };
    if (note.input.value.trim() !== "") body.note = note.input.value;
    if (byHand && value.input.value.trim() !== "") {
      body.value = Number(value.input.value.trim().replace(",", "."));
      // JSON has no such number, so the server could not say what is wrong with it.
      if (!Number.isFinite(body.value)) {
        value.say("a number is needed, such as 4.2");
        value.input.focus();
        return;
      }
    }
    try {
      await answer(
        client.POST("/v1/workspaces/{workspace}/key-results/{key_result}/check-ins", {
          params: { path: { workspace, key_result: keyResult.id } },
          body,
        }),
      );
    } catch (error) {
      // Everything else is the server's to judge: it names the fields.
      showRefusal(error, fields, above);
      return;
    }
    await done();
  }

  return element(
    "form",
    {
      novalidate: true,
      class: "check-in",
      submit: (event) => {
        event.preventDefault();
        void whileBusy(button, save);
      },
    },
    above,
    !byHand && element("p", { class: "hint" }, `Its value comes from the KPI ${keyResult.kpi?.name ?? ""}.`),
    ...fields.map((field) => field.row),
    button,
  );
}

function unitOf(keyResult: Schemas["KeyResult"]): string {
  if (keyResult.kind === "milestone") return "The share that is done, from 0 to 1.";
  return keyResult.unit === null ? "" : `In ${keyResult.unit}.`;
}
