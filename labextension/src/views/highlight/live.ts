/** What a running kernel adds to a highlight: what may be chosen, and what may be asked. */

import { isRecord } from '../payload';
import type { Live as AnyLive } from '../status';
import type { Settings } from './payload';

export interface Choice {
  name: string;
  label: string;
}

export interface Options {
  methods: (Choice & { settings: string[] })[];
  baselines: Choice[];
  quadratures: Choice[];
  steps: { min: number; max: number };
  /** Ways to delete a token. */
  deletions?: Choice[];
  live: boolean;
}

/** Settings that differ from those of the picture. */
export type ExplainArgs = Partial<Settings>;

export type Live = AnyLive<Options>;

const NO_OPTIONS: Options = {
  methods: [],
  baselines: [],
  quadratures: [],
  steps: { min: 1, max: 1 },
  live: false
};

/** Options as they come from the kernel; what is missing is empty. */
export function readOptions(value: unknown): Options {
  return isRecord(value) ? { ...NO_OPTIONS, ...(value as Partial<Options>) } : NO_OPTIONS;
}
