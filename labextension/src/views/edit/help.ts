/** The keys of an edit. */

import type { Key } from '../help';

export const KEYS: readonly Key[] = [
  ['← →', 'token before or after; previous or next tab'],
  ['↑ ↓', 'line above or below; in the checks and the history, row above or below'],
  ['Home End', 'first or last'],
  ['Enter', 'on a token: select it; on a line that sums up: open or close its rows'],
  ['Esc', 'cancel the work, close what is open, or leave'],
  ['?', 'show or hide this list']
];
