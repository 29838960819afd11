/** What a running kernel adds to a highlight: choices, progress, selection, and a way to ask. */

import { isRecord } from './payload';
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
  live: boolean;
}

/** Settings that differ from those of the picture. */
export type ExplainArgs = Partial<Settings>;

export interface Failure {
  title: string;
  message: string;
  fix: { label: string; args: ExplainArgs } | null;
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
  { state: 'idle' } | Running | ({ state: 'error' } & Failure) | { state: 'cancelled'; text: string };

/** What the view may ask of the kernel. */
export interface Requests {
  explain(args: ExplainArgs): void;
  cancel(): void;
  select(tokens: number[]): void;
}

/** The live half of a view; a saved picture has none. */
export interface Live {
  options: Options;
  status: Status;
  selection: number[];
  requests: Requests;
}

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
        ? { label: fix.label, args: fix.args as ExplainArgs }
        : null,
    traceback: text(record.traceback, '')
  };
}
