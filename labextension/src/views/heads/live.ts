/** What a running kernel adds to heads: the other stand-in, and any head's pattern. */

import { isRecord } from '../payload';
import type { Live as AnyLive } from '../status';

export interface Options {
  live: boolean;
}

export type Live = AnyLive<Options>;

/** Options as they come from the kernel; what is missing is empty. */
export function readOptions(value: unknown): Options {
  return { live: isRecord(value) && value.live === true };
}
