/** The keys of the comparison. */

import type { Key } from '../help';

const KEYS: readonly Key[] = [
  ['← →', 'previous or next token; from the first one to the method’s name'],
  ['↑ ↓', 'the same token by another method; up and down a list'],
  ['Home End', 'first or last'],
  ['Enter', 'select the token; explain the candidate'],
  ['Shift + arrows', 'select several tokens'],
  ['f', 'on a candidate: compare with it (foil)'],
  ['Esc', 'cancel the work, close what is open, or leave'],
  ['?', 'show or hide this list']
];

export function keysOf(live: boolean): readonly Key[] {
  return KEYS.filter(([key]) => live || key !== 'f');
}
