/** Says how much there is when not all is in sight. */

import { h } from './dom';

export interface Total {
  element: HTMLElement;
  dispose(): void;
}

/** `scroller` may scroll; its parent is marked when it does. */
export function drawTotal(words: string, scroller: HTMLElement): Total {
  const element = h('div', { class: 'iw-total', hidden: true, 'data-iw': 'total' }, words);
  if (typeof ResizeObserver === 'undefined') {
    return { element, dispose: () => undefined };
  }
  const observer = new ResizeObserver(() => {
    const hidden = scroller.scrollHeight <= scroller.clientHeight + 2;
    element.hidden = hidden;
    // What scrolls must be reachable; the tokens inside are, and they scroll into sight when focused.
    scroller.parentElement?.classList.toggle('iw-scrolls', !hidden);
  });
  observer.observe(scroller);
  return { element, dispose: () => observer.disconnect() };
}
