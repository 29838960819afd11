/** One place for how keys move the focus inside a list. */

/** Where a key leads in a list of `length` items, or null if the key means nothing there. */
export function step(key: string, index: number, length: number, vertical: boolean): number | null {
  const back = vertical ? 'ArrowUp' : 'ArrowLeft';
  const on = vertical ? 'ArrowDown' : 'ArrowRight';
  switch (key) {
    case back:
      return Math.max(0, index - 1);
    case on:
      return Math.min(length - 1, index + 1);
    case 'Home':
      return 0;
    case 'End':
      return length - 1;
    default:
      return null;
  }
}

/** The key that leads the same way in a line from left to right. */
export function mirror(key: string, direction: 'ltr' | 'rtl' | undefined): string {
  const mirrored: Record<string, string> = { ArrowLeft: 'ArrowRight', ArrowRight: 'ArrowLeft' };
  return direction === 'rtl' ? (mirrored[key] ?? key) : key;
}

/** Marks a key as ours: the host does not see it, and the page does not scroll. */
export function take(event: KeyboardEvent): void {
  event.preventDefault();
  event.stopPropagation();
}

/** Whether a person is writing here, so that letters are text. */
export function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLInputElement ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement
  );
}

/** Makes one item of a list the one that Tab reaches. */
export function rove(items: readonly HTMLElement[], index: number): void {
  items.forEach((item, at) => {
    item.tabIndex = at === index ? 0 : -1;
  });
}

/** Up, Down, Home and End move through a column of buttons that Tab enters once. */
export function roveColumn(items: readonly HTMLElement[], first = 0): void {
  rove(items, first);
  items.forEach((item, index) => {
    item.addEventListener('keydown', event => {
      const to = step(event.key, index, items.length, true);
      if (to !== null) {
        take(event);
        rove(items, to);
        items[to]?.focus();
      }
    });
    item.addEventListener('focus', () => rove(items, index));
  });
}

/** What Lab's shortcuts stop at when they look from the focused element upwards. */
const MARK = 'data-lm-suppress-shortcuts';

/**
 * Keeps Lab's one-letter shortcuts ("d d" deletes a cell) away from a view with keys of its own, while Ctrl+S and the
 * like stay Lab's. Lab listens at the document before any element of ours, and some of its shortcuts match the focused
 * element itself: so the mark is set on that element, at the window, which comes first. Returns what undoes it.
 */
export function keepLetters(view: HTMLElement): () => void {
  const host = view.ownerDocument.defaultView;
  let marked: Element | null = null;
  const unmark = (): void => {
    marked?.removeAttribute(MARK);
    marked = null;
  };
  const onKey = (event: KeyboardEvent): void => {
    unmark();
    const { target } = event;
    const letter = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (letter && target instanceof Element && view.contains(target)) {
      marked = target;
      marked.setAttribute(MARK, 'true');
    }
  };
  const leave = (): void => {
    unmark();
    host?.removeEventListener('keydown', onKey, true);
  };
  view.addEventListener('focusin', () => host?.addEventListener('keydown', onKey, true));
  view.addEventListener('focusout', leave);
  return leave;
}
