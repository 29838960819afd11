/** The keys of patching. */

import type { Key } from '../help';

export const KEYS: readonly Key[] = [
  ['← →', 'previous or next layer; previous or next tab'],
  ['↑ ↓', 'row before or after'],
  ['Home End', 'first or last layer'],
  ['Enter', 'choose the cell, so that it stays in the readout'],
  ['Esc', 'cancel the work, close what is open, let go of the cell, or leave'],
  ['?', 'show or hide this list']
];
