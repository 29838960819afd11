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
