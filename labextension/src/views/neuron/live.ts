/** What a running kernel adds to a neuron's card: any neuron of the layer in full, and texts of one's own. */

import { isRecord } from '../payload';
import type { Live as AnyLive } from '../status';

export interface Options {
  live: boolean;
}

export type ExplainArgs = { neuron: number } | { text: string };

export type Live = AnyLive<Options>;

/** Options as they come from the kernel; what is missing is asleep. */
export function readOptions(value: unknown): Options {
  return { live: isRecord(value) && value.live === true };
}
