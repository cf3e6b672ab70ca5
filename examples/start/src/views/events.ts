/** What happened lately, the newest first. */
import { answer, client, type Schemas } from "../client";
import { element } from "../dom";
import * as format from "../format";
import { refusal } from "./refusal";

/** The API has no stream of events yet, so the page asks again and again, while somebody looks at it. */
const EVERY = 10_000;

export function eventsView(
  workspace: string,
  onNews: () => void,
): { content: HTMLElement; refresh: () => Promise<void>; leave: () => void } {
  const list = element("ol", { class: "events" });
  const content = element("div", {}, element("h2", { id: "events" }, "What happened"), list);
  let latest: number | null = null;

  async function look(): Promise<Schemas["Event"][]> {
    // Where nothing happened the server answers 304, and the browser shows what it has.
    const page = await answer(
      client.GET("/v1/workspaces/{workspace}/events", { params: { path: { workspace }, query: { limit: 12 } } }),
    );
    list.replaceChildren(...page.items.map(item));
    return page.items;
  }

  async function refresh(): Promise<void> {
    try {
      const items = await look();
      latest = items[0]?.sequence ?? 0;
    } catch (error) {
      list.replaceChildren(element("li", {}, refusal(error)));
    }
  }

  async function poll(): Promise<void> {
    if (document.visibilityState === "hidden" || latest === null) return;
    const before = latest;
    try {
      const items = await look();
      const newest = items[0]?.sequence ?? 0;
      // A refresh in the meantime has told already.
      if (newest > Math.max(before, latest)) onNews();
      latest = Math.max(newest, latest);
    } catch {
      // The next look may succeed; what is shown stays.
    }
  }

  const timer = setInterval(() => void poll(), EVERY);
  return { content, refresh, leave: () => clearInterval(timer) };
}

function item(event: Schemas["Event"]): HTMLElement {
  return element(
    "li",
    {},
    element("span", {}, element("b", {}, format.words(event.type)), ` ${event.subject.name}`),
    element(
      "span",
      { class: "facts" },
      element("time", { datetime: event.at }, format.moment(event.at)),
      ` · ${event.actor.name}`,
    ),
  );
}
