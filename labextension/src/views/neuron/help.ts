/** The keys of a neuron's card. */

import type { Key } from '../help';

export const KEYS: readonly Key[] = [
  ['← →', 'previous or next token, or bar of the histogram'],
  ['↑ ↓', 'line above or below'],
  ['n p', 'the peak of the next or previous text'],
  ['Home End', 'first or last'],
  ['Enter', 'select the text, so that it can be read in Python'],
  ['Shift + arrows', 'select several texts'],
  ['Esc', 'cancel the work, close what is open, or leave'],
  ['?', 'show or hide this list']
];
