/**
 * Builds elements. Everything a person or a model wrote enters as a text node or as an attribute's value;
 * there is no road from a string to markup.
 */

export type Child = Node | string | null | undefined | false;
export type Attributes = Record<string, string | number | boolean | null | undefined>;

/** An element with attributes (`true` is an empty attribute; `false` and `null` leave it out) and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  append(element, children);
  return element;
}

/** Appends children, leaving out the empty ones. */
export function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(child);
    }
  }
}

/** A button that looks like a link or a control, by class; never submits a form. */
export function button(
  attributes: Attributes,
  label: Child,
  onClick: (event: MouseEvent) => void
): HTMLButtonElement {
  const element = h('button', { type: 'button', ...attributes }, label);
  element.addEventListener('click', onClick);
  return element;
}

/** A token or another stranger's text, kept apart from the direction of the text around it. */
export function foreign(text: string, attributes: Attributes = {}): HTMLElement {
  return h('bdi', attributes, text);
}

let count = 0;

/** An id that is unique on the page, also when two bundles of this code share it. */
export function uniqueId(name: string): string {
  count += 1;
  return `iw-${name}-${Math.random().toString(36).slice(2, 8)}-${count}`;
}
