/** What a running kernel adds to a trace: kinds that were not traced can be, and a cell may be handed to the editor. */

import { isRecord } from '../payload';
import type { Live as AnyLive } from '../status';

export interface Options {
  live: boolean;
  /** Whether the traced fact can be edited from here. */
  edit: boolean;
  /** The editors. */
  methods: { name: string; label: string }[];
  /** Whether an edit was made from here. */
  edited: boolean;
}

export type Live = AnyLive<Options>;

const NO_OPTIONS: Options = { live: false, edit: false, methods: [], edited: false };

/** Options as they come from the kernel; what is missing is empty. */
export function readOptions(value: unknown): Options {
  return isRecord(value) ? { ...NO_OPTIONS, ...(value as Partial<Options>) } : NO_OPTIONS;
}
