/** The key results of an objective: how far they are, and checking in on them. */
import { answer, client, type Schemas } from "../client";
import { element, freshId } from "../dom";
import * as format from "../format";
import { checkInForm } from "./check-in";
import { refusal } from "./refusal";

/** Folded at first; what is in it is asked for when it is opened. */
export function keyResultsOf(
  workspace: string,
  objective: Schemas["ObjectiveRef"],
  checkedIn: (what: string) => Promise<void>,
): HTMLElement {
  const list = element("ul", { class: "key-results" });
  const path = { workspace, objective: objective.id };

  async function load(focusOn?: string): Promise<void> {
    try {
      const page = await answer(
        client.GET("/v1/workspaces/{workspace}/objectives/{objective}/key-results", {
          params: { path, query: { limit: 200 } },
        }),
      );
      list.replaceChildren(...page.items.map((one) => item(one)));
      if (page.items.length === 0) list.append(element("li", { class: "hint" }, "This objective has no key results."));
      if (focusOn !== undefined) list.querySelector<HTMLElement>(`[data-key-result="${focusOn}"] h4`)?.focus();
    } catch (error) {
      list.replaceChildren(element("li", {}, refusal(error)));
    }
  }

  function item(keyResult: Schemas["KeyResult"]): HTMLElement {
    return keyResultItem(workspace, keyResult, async () => {
      await load(keyResult.id);
      await checkedIn(`Checked in on ${keyResult.title}.`);
    });
  }

  const details: HTMLDetailsElement = element(
    "details",
    {
      toggle: () => {
        if (details.open && list.childElementCount === 0) void load();
      },
    },
    element("summary", {}, "Key results", element("span", { class: "unseen" }, ` of ${objective.title}`)),
    list,
  );
  return details;
}

function keyResultItem(workspace: string, keyResult: Schemas["KeyResult"], done: () => Promise<void>): HTMLElement {
  const heading = freshId();
  const { value, expected } = keyResult.progress;
  const place = element("div");
  const button = element(
    "button",
    {
      type: "button",
      "aria-expanded": "false",
      click: () => {
        const open = place.childElementCount === 0;
        button.setAttribute("aria-expanded", String(open));
        if (!open) {
          place.replaceChildren();
          return;
        }
        const form = checkInForm(workspace, keyResult, done);
        place.replaceChildren(form);
        form.querySelector("input")?.focus();
      },
    },
    "Check in",
    element("span", { class: "unseen" }, ` on ${keyResult.title}`),
  );
  return element(
    "li",
    { "data-key-result": keyResult.id },
    element("h4", { id: heading, tabindex: -1 }, keyResult.title),
    value !== null && element("progress", { value, max: 1, "aria-labelledby": heading }, format.share(value)),
    element("p", { class: "facts" }, standing(keyResult, value, expected)),
    keyResult.last_check_in?.note &&
      element("blockquote", {}, keyResult.last_check_in.note, said(keyResult.last_check_in)),
    keyResult.can.check_in && element("div", { class: "actions" }, button),
    place,
  );
}

function standing(keyResult: Schemas["KeyResult"], value: number | null, expected: number | null): string {
  return [
    keyResult.current && keyResult.kind !== "milestone" && `now ${format.measured(keyResult.current.value, keyResult.unit)}`,
    value !== null && `${format.share(value)} done`,
    expected !== null && `${format.share(expected)} of the time gone`,
    keyResult.confidence !== null && `people say ${format.words(keyResult.confidence)}`,
    keyResult.overdue && "a check-in is overdue",
  ]
    .filter((fact) => typeof fact === "string")
    .join(" · ");
}

function said(last: Schemas["LastCheckIn"]): HTMLElement {
  return element("footer", {}, `${last.author?.name ?? "An integration"}, ${format.moment(last.at)}`);
}
