/** One workspace: what needs a person, as triage tells it, and what happened lately. */
import { answer, client, type Schemas } from "../client";
import { element, freshId, tell } from "../dom";
import * as format from "../format";
import { signOut, type WorkspaceName } from "../session";
import { eventsView } from "./events";
import { kpiCard, type Surroundings } from "./kpi";
import { refusal } from "./refusal";

type Group = "untreated" | "failed" | "in_treatment" | "at_risk" | "unknown" | "recovered";

const GROUPS: readonly (readonly [Group, string, string])[] = [
  ["untreated", "Untreated", "Unhealthy, and nothing treats them."],
  ["failed", "Failed", "Unhealthy, and what was meant to heal them did not."],
  ["in_treatment", "In treatment", "Unhealthy, and an objective treats them or may still show its effect."],
  ["at_risk", "At risk", "Outside their target, within their tolerance."],
  ["unknown", "Unknown", "Nobody can tell how they are."],
  ["recovered", "Recovered", "Healthy again, within the last 30 days."],
];

/** Long groups begin folded. */
const SHOWN_AT_FIRST = 6;

export function workspaceView(
  caller: string,
  all: WorkspaceName[],
): { content: HTMLElement; ready: Promise<void>; leave: () => void } {
  let slug = all[0]?.slug ?? "";
  /** The day that is looked at; empty: now. */
  let day = "";
  /** Counts the loads, so that a late answer never shows over a newer one. */
  let load = 0;
  let leaveEvents: () => void = () => {};
  let refreshEvents: () => Promise<void> = async () => {};

  const asOf = element("input", {
    id: "as-of",
    type: "date",
    change: () => {
      day = asOf.value === asOf.max ? "" : asOf.value;
      void showTriage();
    },
  });
  const heading = element("h1", { tabindex: -1 });
  const lead = element("p", { class: "lead" });
  const chips = element("nav", { class: "chips", "aria-label": "Groups" });
  const news = element("div");
  const groups = element("div", { class: "groups" });
  const aside = element("aside", { "aria-labelledby": "events" });
  const content = element(
    "div",
    { class: "workspace" },
    bar(),
    element("main", {}, heading, lead, chips, news, groups),
    aside,
  );

  function bar(): HTMLElement {
    const workspace = element("select", {
      id: "workspace",
      change: () => {
        slug = workspace.value;
        day = "";
        void open();
      },
    });
    for (const one of all) workspace.append(element("option", { value: one.slug }, one.name));
    return element(
      "header",
      { class: "bar" },
      element("span", { class: "brand" }, "Regimen"),
      element("label", { for: "workspace" }, "Workspace"),
      workspace,
      element("label", { for: "as-of" }, "As of"),
      asOf,
      element("span", { class: "caller" }, caller),
      element("button", { type: "button", click: () => void signOut() }, "Sign out"),
    );
  }

  async function open(): Promise<void> {
    leaveEvents();
    const events = eventsView(slug, () => {
      if (groups.querySelector("form")) offerNews();
      else void showTriage();
    });
    leaveEvents = events.leave;
    refreshEvents = events.refresh;
    aside.replaceChildren(events.content);
    await Promise.all([showTriage(), events.refresh()]);
  }

  /** Somebody changed something while a form is open: it is not swept away. */
  function offerNews(): void {
    const look = element("button", { type: "button", click: () => void showTriage() }, "Show it");
    news.replaceChildren(element("p", { class: "news" }, "Something changed in the meantime. ", look));
  }

  async function showTriage(focusOn?: string): Promise<void> {
    load += 1;
    const mine = load;
    groups.setAttribute("aria-busy", "true");
    const path = { workspace: slug };
    const query = day === "" ? {} : { as_of: day };
    try {
      const [workspace, triage, kpis] = await Promise.all([
        answer(client.GET("/v1/workspaces/{workspace}", { params: { path } })),
        answer(client.GET("/v1/workspaces/{workspace}/triage", { params: { path, query } })),
        // One call for all the sparklines.
        answer(
          client.GET("/v1/workspaces/{workspace}/kpis", {
            params: { path, query: { ...query, include: ["recent"], limit: 200 } },
          }),
        ),
      ]);
      if (mine !== load) return;
      show(workspace, triage, kpis.items);
      if (focusOn !== undefined) groups.querySelector<HTMLElement>(`[data-kpi="${focusOn}"] h3`)?.focus();
    } catch (error) {
      if (mine !== load) return;
      lead.replaceChildren();
      chips.replaceChildren();
      groups.replaceChildren(refusal(error));
    } finally {
      if (mine === load) groups.removeAttribute("aria-busy");
    }
  }

  function show(workspace: Schemas["Workspace"], triage: Schemas["Triage"], kpis: Schemas["Kpi"][]): void {
    const surroundings: Surroundings = {
      workspace: slug,
      today: triage.as_of,
      // The past can be looked at, not changed.
      mayPrescribe: day === "" && workspace.can.create_objective,
      mayCheckIn: day === "",
      recent: new Map(kpis.map((kpi) => [kpi.id, kpi.recent ?? []])),
      prescribed: async (kpi, what) => {
        await Promise.all([showTriage(kpi), refreshEvents()]);
        tell(what);
      },
      checkedIn: async (what) => {
        await refreshEvents();
        tell(what);
      },
    };
    if (day === "") {
      asOf.max = triage.as_of;
      if (document.activeElement !== asOf) asOf.value = triage.as_of;
    }
    heading.textContent = workspace.name;
    lead.textContent = summary(triage);
    news.replaceChildren();
    chips.replaceChildren(
      ...GROUPS.filter(([group]) => triage[group].length > 0).map(([group, title]) =>
        element("a", { href: `#${group}`, class: `chip ${group}` }, `${title} `, element("b", {}, String(triage[group].length))),
      ),
      element("span", { class: "chip healthy" }, "Healthy ", element("b", {}, String(triage.counts.healthy))),
    );
    groups.replaceChildren(
      ...GROUPS.filter(([group]) => triage[group].length > 0).map(([group, title, meaning]) =>
        section(
          group,
          title,
          meaning,
          triage[group].map((row) => kpiCard(row, group, surroundings)),
        ),
      ),
    );
    if (triage.orphans.length > 0) {
      groups.append(
        section("orphans", "Objectives that heal no KPI", "A fact, not a fault.", triage.orphans.map(orphan)),
      );
    }
  }

  return {
    content,
    ready: open(),
    leave: () => {
      leaveEvents();
      load += 1;
    },
  };
}

function summary(triage: Schemas["Triage"]): string {
  const { untreated, failed, in_treatment } = triage.counts;
  const alone = untreated + failed;
  const when = format.day(triage.as_of);
  if (alone > 0) return `${when}: ${alone === 1 ? "one unhealthy KPI waits" : `${alone} unhealthy KPIs wait`} for a remedy.`;
  if (in_treatment > 0) return `${when}: every unhealthy KPI is in treatment.`;
  return `${when}: no KPI is unhealthy.`;
}

function section(id: string, title: string, meaning: string, cards: HTMLElement[]): HTMLElement {
  const heading = freshId();
  const list = (some: HTMLElement[]): HTMLElement =>
    element("ul", { class: "cards" }, ...some.map((card) => element("li", {}, card)));
  const rest = cards.slice(SHOWN_AT_FIRST);
  return element(
    "section",
    { id, "aria-labelledby": heading },
    element("h2", { id: heading }, title),
    element("p", { class: "hint" }, meaning),
    list(cards.slice(0, SHOWN_AT_FIRST)),
    rest.length > 0 && element("details", { class: "rest" }, element("summary", {}, `${rest.length} more`), list(rest)),
  );
}

function orphan(objective: Schemas["Orphan"]): HTMLElement {
  const facts = [objective.owner?.name, objective.team?.name, objective.cycle?.name];
  return element(
    "article",
    { class: "card" },
    element("h3", {}, objective.title),
    element("p", { class: "facts" }, facts.filter((fact) => fact !== undefined).join(" · ")),
  );
}
