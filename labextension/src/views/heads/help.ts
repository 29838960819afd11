/** The keys of the heads. */

import type { Key } from '../help';

export const KEYS: readonly Key[] = [
  ['← →', 'previous or next layer; in the pattern, previous or next token looked at'],
  ['↑ ↓', 'previous or next head; in the pattern, the token before or after'],
  ['Home End', 'first or last layer or token'],
  ['Enter', 'choose the head: its attention pattern then stands below'],
  ['Esc', 'cancel the work, close what is open, let go of the head, or leave'],
  ['?', 'show or hide this list']
];
