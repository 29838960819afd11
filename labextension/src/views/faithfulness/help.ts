/** The keys of the card. */

import type { Key } from '../help';

export const KEYS: readonly Key[] = [
  ['↑ ↓', 'sentence before or after; on the cut: move it'],
  ['← →', 'in the curve: point before or after'],
  ['Home End', 'first or last; on the cut: no sentence, or all'],
  ['x', 'on a sentence: strike it, or put it back'],
  ['r', 'on a sentence: write it in other words'],
  ['c', 'on a sentence: cut the reasoning after it'],
  ['n p', 'next or previous question'],
  ['Enter', 'on a sentence: choose it; in the field: ask'],
  ['Esc', 'cancel the work, close what is open, or leave'],
  ['?', 'show or hide this list']
];
