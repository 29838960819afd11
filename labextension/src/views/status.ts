/** How the work that a person asked for stands, as the kernel tells it; and what a live view may ask. */

import { isRecord } from './payload';

/** Arguments of a question; each view names its own. */
export type Args = Record<string, unknown>;

export interface Failure {
  title: string;
  message: string;
  fix: { label: string; args: Args } | null;
  traceback: string;
}

export interface Running {
  state: 'running';
  text: string;
  done: number;
  total: number;
  elapsed: number;
  remaining: number | null;
}

export type Status =
  | { state: 'idle' }
  | Running
  | ({ state: 'error' } & Failure)
  | { state: 'cancelled'; text: string }
  /** Something was done that the picture does not show, such as a file that was written. */
  | { state: 'said'; text: string };

/** What a view may ask of the kernel. */
export interface Requests {
  explain(args: Args): void;
  cancel(): void;
  select(tokens: number[]): void;
}

/** What every view's kernel side says: whether the model is in memory. */
export interface Asleep {
  live: boolean;
}

/** The live half of a view; a saved picture has none. */
export interface Live<Options extends Asleep = Asleep> {
  options: Options;
  status: Status;
  selection: number[];
  requests: Requests;
}

/** A status as it comes from the kernel; anything unknown is idle. */
export function readStatus(value: unknown): Status {
  if (!isRecord(value)) {
    return { state: 'idle' };
  }
  const text = typeof value.text === 'string' ? value.text : '';
  const number = (item: unknown): number => (typeof item === 'number' && Number.isFinite(item) ? item : 0);
  switch (value.state) {
    case 'running':
      return {
        state: 'running',
        text,
        done: number(value.done),
        total: number(value.total),
        elapsed: number(value.elapsed),
        remaining: typeof value.remaining === 'number' ? value.remaining : null
      };
    case 'cancelled':
      return { state: 'cancelled', text };
    case 'said':
      return { state: 'said', text };
    case 'error':
      return { state: 'error', ...readFailure(value) };
    default:
      return { state: 'idle' };
  }
}

/** An error as the kernel describes it, with words for what it left out. */
export function readFailure(value: unknown): Failure {
  const record = isRecord(value) ? value : {};
  const text = (item: unknown, otherwise: string): string =>
    typeof item === 'string' && item !== '' ? item : otherwise;
  const fix = record.fix;
  return {
    title: text(record.title, 'The kernel could not answer.'),
    message: text(record.message, ''),
    fix:
      isRecord(fix) && typeof fix.label === 'string' && isRecord(fix.args)
        ? { label: fix.label, args: fix.args as Args }
        : null,
    traceback: text(record.traceback, '')
  };
}
