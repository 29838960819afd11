/** What a running kernel adds to an edit: its switch, the ledger's other edits, other methods, and files to write. */

import { isRecord } from '../payload';
import type { Live as AnyLive } from '../status';

export interface Past {
  name: string;
  method: string;
  facts: string;
  on: boolean;
  shown: boolean;
}

export interface Options {
  live: boolean;
  /** In no ledger: "undone"; no longer in memory: "gone". */
  state: 'on' | 'off' | 'undone' | 'gone';
  /** What is otherwise now than when the edit was compared. */
  note: string;
  history: Past[];
  methods: { name: string; label: string }[];
  layers: number;
  exports: { key: string; label: string }[];
}

export type Live = AnyLive<Options>;

const NO_OPTIONS: Options = {
  live: false,
  state: 'gone',
  note: '',
  history: [],
  methods: [],
  layers: 0,
  exports: []
};

/** Options as they come from the kernel; what is missing is empty. */
export function readOptions(value: unknown): Options {
  return isRecord(value) ? { ...NO_OPTIONS, ...(value as Partial<Options>) } : NO_OPTIONS;
}
