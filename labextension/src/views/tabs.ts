/** Tabs: one of several pictures is shown. A tab that is not there yet can be asked for where a model is in memory. */

import { h, button } from './dom';
import { rove, step, take } from './keys';

export interface Tab {
  key: string;
  name: string;
  title?: string;
  /** Nothing to show yet; choosing it asks. */
  missing?: boolean;
}

/** `choose` is called for a tab other than the one that is shown. */
export function drawTabs(
  tabs: readonly Tab[],
  shown: string,
  label: string,
  choose: (tab: Tab) => void
): HTMLElement {
  const items = tabs.map(tab =>
    button(
      {
        class: `iw-tab${tab.missing === true ? ' iw-missing' : ''}`,
        role: 'tab',
        'aria-selected': String(tab.key === shown),
        title: tab.title ?? null,
        'data-iw': 'tab',
        'data-key': tab.key
      },
      tab.missing === true ? `${tab.name} …` : tab.name,
      () => {
        if (tab.key !== shown) {
          choose(tab);
        }
      }
    )
  );
  const at = Math.max(
    0,
    tabs.findIndex(tab => tab.key === shown)
  );
  rove(items, at);
  const list = h(
    'div',
    { class: 'iw-tabs', role: 'tablist', 'aria-label': label, 'data-iw': 'tabs' },
    ...items
  );
  list.addEventListener('keydown', event => {
    const to = step(
      event.key,
      items.findIndex(item => item === event.target),
      items.length,
      false
    );
    if (to !== null) {
      take(event);
      rove(items, to);
      items[to]?.focus();
    }
  });
  return list;
}
