/** The keys of the console. */

import type { Key } from '../help';

export const KEYS: readonly Key[] = [
  ['← →', 'on a slider: less or more; in the texts: previous or next token; in the grid: strength'],
  ['↑ ↓', 'in the texts: line above or below; in the grid: layer'],
  ['Page ↑ ↓', 'on a slider: a tenth of its way'],
  ['0', 'on a slider: no steering'],
  ['Home End', 'first or last; on a slider its ends'],
  ['Enter', 'in the prompt: write; on a token: select it'],
  ['Esc', 'cancel the work, close what is open, or leave'],
  ['?', 'show or hide this list']
];
