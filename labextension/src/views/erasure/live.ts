/** What a running kernel adds to an erasure: the eraser's switch. */

import { isRecord } from '../payload';
import type { Live as AnyLive } from '../status';

export interface Options {
  live: boolean;
  /** In no ledger: "out"; no longer in memory: "gone"; of states from an array: "none". */
  state: 'on' | 'off' | 'out' | 'gone' | 'none';
  /** What is otherwise now than when this was measured. */
  note: string;
}

export type Live = AnyLive<Options>;

const NO_OPTIONS: Options = { live: false, state: 'gone', note: '' };

/** Options as they come from the kernel; what is missing is empty. */
export function readOptions(value: unknown): Options {
  return isRecord(value) ? { ...NO_OPTIONS, ...(value as Partial<Options>) } : NO_OPTIONS;
}
