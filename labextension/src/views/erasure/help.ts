/** The keys of an erasure. */

import type { Key } from '../help';

export const KEYS: readonly Key[] = [
  ['← → ↑ ↓', 'among the points: the next one that way; in lists: the next entry'],
  ['Home End', 'first or last'],
  ['Enter', 'choose the point, in both pictures; show the place'],
  ['Shift + arrows', 'choose several points'],
  ['Tab', 'points before, points after, places, probes, rounds'],
  ['Esc', 'close what is open, let go of the points, or leave'],
  ['?', 'show or hide this list']
];
