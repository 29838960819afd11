/** The keys, listed when a person presses "?". */

import { h } from './dom';

/** A key, and what it does. */
export type Key = readonly [string, string];

export function drawHelp(keys: readonly Key[]): HTMLElement {
  const list = h('dl', { class: 'iw-keys', 'data-iw': 'keys', 'aria-label': 'Keys', hidden: true });
  for (const [key, does] of keys) {
    list.append(h('dt', {}, h('kbd', {}, key)), h('dd', {}, does));
  }
  return list;
}
