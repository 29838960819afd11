/** The keys of the matrix. */

import type { Key } from '../help';

export const KEYS: readonly Key[] = [
  ['← →', 'previous or next token; previous or next source in the grid'],
  ['↑ ↓', 'line above or below; the token before or after in the grid'],
  ['Home End', 'first or last'],
  ['Enter', 'select the token, so that its sources stay lit'],
  ['Shift + arrows', 'select several tokens'],
  ['r', 'turn round: the sources of a token, or what it feeds'],
  ['Esc', 'cancel the work, close what is open, or leave'],
  ['?', 'show or hide this list']
];
