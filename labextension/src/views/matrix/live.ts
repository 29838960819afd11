/** What a running kernel adds to a matrix: the methods that there are. */

import { isRecord } from '../payload';
import type { Live as AnyLive } from '../status';

export interface Options {
  methods: { name: string; label: string }[];
  live: boolean;
}

export type ExplainArgs = { method?: string };

export type Live = AnyLive<Options>;

const NO_OPTIONS: Options = { methods: [], live: false };

/** Options as they come from the kernel; what is missing is empty. */
export function readOptions(value: unknown): Options {
  return isRecord(value) ? { ...NO_OPTIONS, ...(value as Partial<Options>) } : NO_OPTIONS;
}
