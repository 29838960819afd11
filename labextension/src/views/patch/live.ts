/** What a running kernel adds to patching: sites that were not patched can be. */

import { isRecord } from '../payload';
import type { Live as AnyLive } from '../status';

export interface Options {
  live: boolean;
  /** Whether other sites can be asked for: not of prompts that Python alone can write again. */
  ask: boolean;
}

export type Live = AnyLive<Options>;

const NO_OPTIONS: Options = { live: false, ask: false };

/** Options as they come from the kernel; what is missing is empty. */
export function readOptions(value: unknown): Options {
  return isRecord(value) ? { ...NO_OPTIONS, ...(value as Partial<Options>) } : NO_OPTIONS;
}
