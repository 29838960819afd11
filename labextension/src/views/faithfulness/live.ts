/** What a running kernel adds: answers after any change. */

import { isRecord } from '../payload';
import type { Asleep, Live as AnyLive } from '../status';

export type Options = Asleep;
export type Live = AnyLive<Options>;

/** Options as they come from the kernel; what is missing is asleep. */
export function readOptions(value: unknown): Options {
  return { live: isRecord(value) && value.live === true };
}

/** The chosen question and sentence, which Python can read and set. */
export interface Place {
  question: number;
  sentence: number | null;
}

export interface Choosing {
  place: Place | null;
  choose(place: Place): void;
}

export function readPlace(value: unknown): Place | null {
  if (!Array.isArray(value) || typeof value[0] !== 'number') {
    return null;
  }
  return { question: value[0], sentence: typeof value[1] === 'number' ? value[1] : null };
}
