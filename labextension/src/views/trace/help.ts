/** The keys of a trace. */

import type { Key } from '../help';

export const KEYS: readonly Key[] = [
  ['← →', 'previous or next layer; previous or next tab'],
  ['↑ ↓', 'token before or after'],
  ['Home End', 'first or last layer'],
  ['Enter', 'choose the cell: what the model would say then stands below, and it can be edited there'],
  ['Esc', 'cancel the work, close what is open, let go of the cell, or leave'],
  ['?', 'show or hide this list']
];
