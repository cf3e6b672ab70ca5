/** Numbers and dates as people read them. */
import type { Schemas } from "./client";

const LOCALE = "en-GB";
const DAY = 86_400_000;

/** A value with the unit, percent sign or currency that its KPI has. */
export function value(number: number, display: Schemas["Display"]): string {
  const { style, currency, precision, unit } = display;
  const digits =
    precision === null
      ? { maximumFractionDigits: Math.abs(number) < 100 ? 4 : 2 }
      : { minimumFractionDigits: precision, maximumFractionDigits: precision };
  if (style === "currency" && currency !== null) {
    return new Intl.NumberFormat(LOCALE, { style: "currency", currency, ...digits }).format(number);
  }
  const plain = new Intl.NumberFormat(LOCALE, digits).format(number);
  return behind(plain, style === "percent" ? "%" : unit);
}

/** How far two values lie apart: shares differ by points. */
export function difference(number: number, display: Schemas["Display"]): string {
  if (display.style !== "percent") return value(number, display);
  return value(number, { ...display, style: "number", unit: "points" });
}

/** A number that has a unit and no more, as those of key results. */
export function measured(number: number, unit: string | null): string {
  return behind(new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 4 }).format(number), unit);
}

function behind(number: string, unit: string | null): string {
  // They stay on one line.
  return unit === null ? number : `${number}\u00a0${unit}`;
}

/** A healthy band, such as "at least 95 %". */
export function band(min: number | null, max: number | null, display: Schemas["Display"]): string {
  if (min !== null && max !== null) return `${value(min, display)} to ${value(max, display)}`;
  if (min !== null) return `at least ${value(min, display)}`;
  if (max !== null) return `at most ${value(max, display)}`;
  return "none";
}

export function share(part: number): string {
  return new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 0 }).format(part);
}

/** A day of the workspace, such as "3 Nov 2026"; days have no time zone. */
export function day(date: string): string {
  const options = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" } as const;
  return new Intl.DateTimeFormat(LOCALE, options).format(new Date(`${date}T00:00:00Z`));
}

/** An instant, by the reader's own clock. */
export function moment(instant: string): string {
  const options = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" } as const;
  return new Intl.DateTimeFormat(LOCALE, options).format(new Date(instant));
}

/** How many days a stretch has lasted, its first day included, such as "52 days". */
export function lasting(first: string, until: string): string {
  const days = Math.round((Date.parse(until) - Date.parse(first)) / DAY) + 1;
  return days === 1 ? "1 day" : `${days} days`;
}

/** The name of a value of an enum, for people: new values may come, so there is no table. */
export function words(name: string): string {
  return name.replaceAll(/[_.]/g, " ");
}
