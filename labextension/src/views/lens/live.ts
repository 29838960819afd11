/** What a running kernel adds to a lens: other sites, the calibrated lens, and any token to follow. */

import { isRecord } from '../payload';
import type { Live as AnyLive } from '../status';

export interface Options {
  sites: { name: string; label: string }[];
  live: boolean;
}

export type ExplainArgs = {
  sites?: string;
  calibrated?: boolean;
  /** A token to follow from now on, as text; or one to follow no more, by its place among `settings.tokens`. */
  follow?: string;
  unfollow?: number;
};

export type Live = AnyLive<Options>;

const NO_OPTIONS: Options = { sites: [], live: false };

/** Options as they come from the kernel; what is missing is empty. */
export function readOptions(value: unknown): Options {
  return isRecord(value) ? { ...NO_OPTIONS, ...(value as Partial<Options>) } : NO_OPTIONS;
}
