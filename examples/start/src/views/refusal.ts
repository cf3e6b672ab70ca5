/** Showing what went wrong: beside the fields where a field is to blame, else above the form. */
import { onServer, Refused } from "../client";
import { element } from "../dom";

/** What went wrong, in a sentence. */
export function messageOf(error: unknown): string {
  if (error instanceof Refused) return `${error.problem.title}: ${error.problem.detail}.`;
  return error instanceof Error ? error.message : String(error);
}

/** What went wrong, with the page that explains this kind of problem. */
export function refusal(error: unknown): HTMLElement {
  return element(
    "p",
    { class: "refusal", role: "alert" },
    messageOf(error),
    error instanceof Refused && " ",
    error instanceof Refused &&
      element("a", { href: onServer(error.problem.type), target: "_blank", rel: "noreferrer" }, "What this means"),
  );
}

/** A field of a form, which can say what is wrong with it. */
export interface Field {
  /** The JSON pointer of what it fills in the body, such as `/value`. */
  pointer: string;
  row: HTMLElement;
  input: HTMLElement;
  say: (wrong: string) => void;
}

/**
 * Shows a refusal in a form. Its `errors` name fields by JSON pointers: each goes beside its own field,
 * the first of them gets the focus, and what belongs to no field is shown above all.
 */
export function showRefusal(error: unknown, fields: Field[], above: HTMLElement): void {
  clearRefusal(fields, above);
  const errors = error instanceof Refused ? error.problem.errors : [];
  const placed = fields.filter((field) => {
    const own = errors.filter((one) => one.pointer === field.pointer || one.pointer.startsWith(`${field.pointer}/`));
    field.say(own.map((one) => one.detail).join("; "));
    return own.length > 0;
  });
  const known = (pointer: string): boolean =>
    fields.some((field) => pointer === field.pointer || pointer.startsWith(`${field.pointer}/`));
  const rest = errors.filter((one) => !known(one.pointer));
  if (placed.length === 0 || rest.length > 0) {
    above.replaceChildren(refusal(error));
    for (const one of rest) above.append(element("p", { class: "wrong" }, `${one.pointer}: ${one.detail}`));
  }
  placed[0]?.input.focus();
}

export function clearRefusal(fields: Field[], above: HTMLElement): void {
  above.replaceChildren();
  for (const field of fields) field.say("");
}
