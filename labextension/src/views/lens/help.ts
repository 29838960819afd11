/** The keys of the lens. */

import type { Key } from '../help';

export const KEYS: readonly Key[] = [
  ['← →', 'previous or next position'],
  ['↑ ↓', 'layer above or below'],
  ['Home End', 'first or last position'],
  ['Enter', 'follow the token of the cell through the layers'],
  ['Esc', 'cancel the work, close what is open, or leave'],
  ['?', 'show or hide this list']
];
