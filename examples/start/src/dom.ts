/**
 * Making elements.
 *
 * Strings always become text nodes, so that nothing that the API answers is ever read as HTML.
 */
type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>;

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, String(value));
  }
  made.append(...present(children));
  return made;
}

/** An element of a drawing. */
export function drawn(name: string, attributes: Record<string, string | number>, ...children: Node[]): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

function present(children: Child[]): (Node | string)[] {
  return children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false);
}

let numbered = 0;

/** An id for a label to name. */
export function freshId(): string {
  numbered += 1;
  return `field-${numbered}`;
}

/** Long enough to be read, and then out of the way. */
const TOLD_FOR = 10_000;
let telling: ReturnType<typeof setTimeout> | undefined;

/** Tells what happened, to eyes and to screen readers. */
export function tell(what: string): void {
  const status = document.getElementById("status");
  if (!status) return;
  clearTimeout(telling);
  status.textContent = what;
  telling = setTimeout(() => {
    status.textContent = "";
  }, TOLD_FOR);
}

/** Runs what a button or form does, once at a time. */
export async function whileBusy(button: HTMLButtonElement, work: () => Promise<void>): Promise<void> {
  if (button.getAttribute("aria-disabled") === "true") return;
  // Not `disabled`: that would take the focus away.
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}
