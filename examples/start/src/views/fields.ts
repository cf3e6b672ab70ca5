/** Fields of forms: a label, an input, a hint, and a place for what is wrong with it. */
import { element, freshId } from "../dom";
import type { Field } from "./refusal";

type Input = HTMLInputElement | HTMLTextAreaElement;

export function textField<T extends Input>(pointer: string, label: string, input: T, hint = ""): Field & { input: T } {
  const id = freshId();
  const { wrong, say } = complaint(id, input, hint !== "" ? `${id}-hint` : "");
  input.id = id;
  const row = element(
    "div",
    { class: "field" },
    element("label", { for: id }, label),
    hint !== "" && element("p", { class: "hint", id: `${id}-hint` }, hint),
    input,
    wrong,
  );
  return { pointer, row, input, say };
}

/** One of a few words; `chosen` tells which. */
export function choiceField<T extends string>(
  pointer: string,
  label: string,
  choices: readonly (readonly [T, string])[],
  first: T,
): Field & { chosen: () => T } {
  const id = freshId();
  let chosen = first;
  const group = element("fieldset", { class: "field choice" }, element("legend", {}, label));
  const { wrong, say } = complaint(id, group, "");
  for (const [word, text] of choices) {
    const radio = element("input", {
      type: "radio",
      name: id,
      value: word,
      checked: word === first,
      change: () => {
        chosen = word;
      },
    });
    group.append(element("label", {}, radio, text));
  }
  group.append(wrong);
  return { pointer, row: group, input: group, say, chosen: () => chosen };
}

function complaint(id: string, input: HTMLElement, hint: string): { wrong: HTMLElement; say: (wrong: string) => void } {
  const wrong = element("p", { class: "wrong", id: `${id}-wrong` });
  const describe = (ids: string[]): void => {
    const named = ids.filter((one) => one !== "");
    if (named.length > 0) input.setAttribute("aria-describedby", named.join(" "));
    else input.removeAttribute("aria-describedby");
  };
  const say = (text: string): void => {
    wrong.textContent = text;
    describe([hint, text === "" ? "" : `${id}-wrong`]);
    if (text === "") input.removeAttribute("aria-invalid");
    else input.setAttribute("aria-invalid", "true");
  };
  say("");
  return { wrong, say };
}
