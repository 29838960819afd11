/** The keys, listed when a person presses "?". */

import { h } from '../dom';

const KEYS: [string, string][] = [
  ['← →', 'previous or next token'],
  ['↑ ↓', 'line above or below; up and down a list'],
  ['Home End', 'first or last'],
  ['Enter', 'select the token; explain the candidate'],
  ['Shift + arrows', 'select several tokens'],
  ['f', 'on a candidate: compare with it (foil)'],
  ['Esc', 'cancel the work, close what is open, or leave'],
  ['?', 'show or hide this list']
];

export function drawHelp(live: boolean): HTMLElement {
  const list = h('dl', { class: 'iw-keys', 'data-iw': 'keys', 'aria-label': 'Keys', hidden: true });
  for (const [key, does] of KEYS) {
    if (live || key !== 'f') {
      list.append(h('dt', {}, h('kbd', {}, key)), h('dd', {}, does));
    }
  }
  return list;
}
