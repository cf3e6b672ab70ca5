/** A KPI that needs a person: what it shows, since when, what treats it, and prescribing. */
import { answer, client, type Schemas } from "../client";
import { drawn, element, freshId, whileBusy } from "../dom";
import * as format from "../format";
import { keyResultsOf } from "./key-results";
import { refusal } from "./refusal";

/** What a card needs to know beyond its own row. */
export interface Surroundings {
  workspace: string;
  /** The day that is shown. */
  today: string;
  mayPrescribe: boolean;
  mayCheckIn: boolean;
  /** The last periods of each KPI, for sparklines. */
  recent: Map<string, Schemas["RecentPeriod"][]>;
  prescribed: (kpi: string, what: string) => Promise<void>;
  checkedIn: (what: string) => Promise<void>;
}

export function kpiCard(row: Schemas["TriageRow"], group: string, around: Surroundings): HTMLElement {
  const heading = freshId();
  const treatable = (group === "untreated" || group === "failed") && around.mayPrescribe;
  return element(
    "article",
    { class: `card kpi ${row.health}`, "aria-labelledby": heading, "data-kpi": row.id },
    element(
      "header",
      {},
      element("h3", { id: heading, tabindex: -1 }, row.name),
      element("span", { class: `badge ${row.health}` }, format.words(row.health)),
    ),
    element("div", { class: "figures" }, figure(row), sparkline(seen(row, around), row.display)),
    element("p", {}, howLong(row, around.today)),
    element("p", { class: "facts" }, facts(row)),
    row.remedies.length > 0 &&
      element("ul", { class: "remedies" }, ...row.remedies.map((remedy) => treatment(remedy, around))),
    treatable && prescribing(row, around),
  );
}

function figure(row: Schemas["TriageRow"]): HTMLElement {
  const value = row.current?.value ?? null;
  const change = row.current?.change ?? null;
  return element(
    "p",
    { class: "figure" },
    element("strong", {}, value === null ? "no value" : format.value(value, row.display)),
    row.target && element("span", { class: "target" }, `target: ${format.band(row.target.min, row.target.max, row.display)}`),
    change !== null &&
      change !== 0 &&
      element(
        "span",
        { class: "change" },
        `${change > 0 ? "up" : "down"} ${format.difference(Math.abs(change), row.display)}`,
        row.current?.change_is_good === true && ", for the better",
        row.current?.change_is_good === false && ", for the worse",
      ),
  );
}

function howLong(row: Schemas["TriageRow"], today: string): string {
  if (row.health === "unknown") return whyUnknown(row);
  if (row.health === "healthy" && row.last_episode) {
    const { opened_on, closed_on, closed_by } = row.last_episode;
    const moved = closed_by === "target" ? ", because the target was moved" : "";
    return `Healthy since ${format.day(closed_on)}, after ${format.lasting(opened_on, closed_on)}${moved}.`;
  }
  if (row.since === null) return "";
  const stale = row.health_reason === "stale" ? "; the value is stale" : "";
  const state = row.health === "at_risk" ? "At risk" : "Unhealthy";
  return `${state} since ${format.day(row.since)}, for ${format.lasting(row.since, today)}${stale}.`;
}

function whyUnknown(row: Schemas["TriageRow"]): string {
  switch (row.health_reason) {
    case "no_data":
      return "It never had a value.";
    case "no_target":
      return "It has no target to be judged by.";
    case "stale": {
      const since = row.freshness.stale_on === null ? "" : ` since ${format.day(row.freshness.stale_on)}`;
      return `Its value is stale${since}${row.last_known === null ? "" : `; last seen ${format.words(row.last_known)}`}.`;
    }
    default:
      return "Its health cannot be told.";
  }
}

function facts(row: Schemas["TriageRow"]): string {
  return [row.owner?.name ?? "nobody answers for it", row.team?.name, format.words(row.cadence)]
    .filter((fact) => fact !== undefined)
    .join(" · ");
}

/** The last periods up to the value that is shown: a sum that still grows would look like a fall. */
function seen(row: Schemas["TriageRow"], around: Surroundings): Schemas["RecentPeriod"][] {
  const periods = around.recent.get(row.id) ?? [];
  const current = row.current;
  return current === null ? periods : periods.filter((period) => period.starts_on <= current.starts_on);
}

/** The last periods as a line; where a period is missing, the line has a gap. */
function sparkline(periods: Schemas["RecentPeriod"][], display: Schemas["Display"]): SVGElement | null {
  const values = periods.map((period) => period.value).filter((value) => value !== null);
  const [first, last] = [values.at(0), values.at(-1)];
  if (first === undefined || last === undefined || values.length < 2) return null;
  const [width, height, margin] = [120, 36, 4];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (index: number): number => margin + (index * (width - 2 * margin)) / (periods.length - 1);
  const y = (value: number): number =>
    high === low ? height / 2 : height - margin - ((value - low) * (height - 2 * margin)) / (high - low);
  let path = "";
  let pen = "M";
  periods.forEach((period, index) => {
    if (period.value === null) pen = "M";
    else {
      path += `${pen}${x(index).toFixed(1)} ${y(period.value).toFixed(1)}`;
      pen = "L";
    }
  });
  const end = periods.findLastIndex((period) => period.value !== null);
  const label = `Last ${values.length} periods: from ${format.value(first, display)} to ${format.value(last, display)}`;
  return drawn(
    "svg",
    { class: "sparkline", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    drawn("path", { d: path }),
    drawn("circle", { cx: x(end), cy: y(last), r: 3 }),
  );
}

/** A remedy: the objective, what became of it, and its key results on demand. */
function treatment(remedy: Schemas["TriageRemedy"], around: Surroundings): HTMLElement {
  const closed = remedy.share_of_gap_closed;
  const item = element(
    "li",
    {},
    element(
      "p",
      {},
      element("span", { class: `badge ${remedy.outcome}` }, format.words(remedy.outcome)),
      ` ${remedy.objective.title}`,
      closed !== null && closed >= 0 && element("span", { class: "facts" }, ` · ${format.share(closed)} of the gap closed`),
      closed !== null && closed < 0 && element("span", { class: "facts" }, " · further away than at the start"),
    ),
  );
  if (around.mayCheckIn) {
    item.append(keyResultsOf(around.workspace, remedy.objective, around.checkedIn));
  }
  return item;
}

function prescribing(row: Schemas["TriageRow"], around: Surroundings): HTMLElement {
  const said = element("div");
  // One key for as long as the button stands: pressing again after a broken connection makes nothing twice.
  const key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const button = element(
    "button",
    {
      type: "button",
      class: "primary",
      click: () =>
        void whileBusy(button, async () => {
          said.replaceChildren();
          try {
            const remedy = await answer(
              client.POST("/v1/workspaces/{workspace}/kpis/{kpi}/remedies", {
                params: { path: { workspace: around.workspace, kpi: row.id }, header: { "Idempotency-Key": key } },
                body: {},
              }),
            );
            await around.prescribed(row.id, `Prescribed: ${remedy.objective.title}.`);
          } catch (error) {
            said.replaceChildren(refusal(error));
          }
        }),
    },
    "Prescribe an objective",
    element("span", { class: "unseen" }, ` for ${row.name}`),
  );
  return element("div", { class: "actions" }, said, button);
}
