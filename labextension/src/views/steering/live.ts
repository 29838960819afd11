/** What a running kernel adds to the console: what the settings may be, and what filling the grid takes. */

import { isRecord } from '../payload';
import type { Live as AnyLive } from '../status';

export interface Options {
  live: boolean;
  positions: { name: string; label: string }[];
  layers: { min: number; max: number } | null;
  /** Tokens that a text may have. */
  most: number;
  grid: { cells: number; seconds: number | null };
}

export type Live = AnyLive<Options>;

const NO_OPTIONS: Options = {
  live: false,
  positions: [],
  layers: null,
  most: 256,
  grid: { cells: 0, seconds: null }
};

/** Options as they come from the kernel; what is missing is empty. */
export function readOptions(value: unknown): Options {
  return isRecord(value) ? { ...NO_OPTIONS, ...(value as Partial<Options>) } : NO_OPTIONS;
}
