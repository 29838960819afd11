/** What a running kernel adds to a trace: kinds that were not traced can be, and a cell may be handed to the editor. */

import { isRecord } from '../payload';
import type { Live as AnyLive } from '../status';

export interface Options {
  live: boolean;
  /** Whether there is an editor that takes a cell. */
  edit: boolean;
}

export type Live = AnyLive<Options>;

const NO_OPTIONS: Options = { live: false, edit: false };

/** Options as they come from the kernel; what is missing is empty. */
export function readOptions(value: unknown): Options {
  return isRecord(value) ? { ...NO_OPTIONS, ...(value as Partial<Options>) } : NO_OPTIONS;
}
