/** What Python sends for heads: what the answer loses without each, and the attention patterns of some. */

import { isList, isNumber, isRecord, isText, isTitle, isVerdict, readVersion1 } from '../payload';
import { isCellValue, isTable } from '../heat';
import type { HeatRow } from '../heat';
import type { Picture, Scale, Verdict } from '../payload';

export const MIME_TYPE = 'application/vnd.interp.heads.v1+json';

export interface Row extends HeatRow {
  head: number;
}

/** One head's attention: for each query a line of thousandths, for the keys up to the query itself. */
export interface Pattern {
  layer: number;
  head: number;
  keys: number[];
  lines: number[][];
}

export interface HeadsPayload extends Picture {
  verdict: Verdict;
  boxes: { text: string; name: string; tokens: number[] }[];
  /** Whether any head was switched off. */
  measured: boolean;
  rows: Row[];
  columns: string[];
  /** What is lost without the head; null where it was not switched off. */
  values: (number | null)[][];
  labels: string[][];
  /** The followed number without the head, as written. */
  reads: string[][];
  /** The first choice without the head, as a place in `words`, and its probability; null where it is the same, empty where it is not known. */
  choices: ([number, string] | [] | null)[][];
  words: string[];
  /** Head and layer that are shown first. */
  start: [number, number];
  before: { read: string; choice: string; label: string };
  quantity: string;
  scale: Scale;
  stand_in: string;
  tokens: string[];
  queries: number[];
  patterns: Pattern[];
  rest: string | null;
  settings: { ablation: string };
}

export function isPattern(value: unknown): value is Pattern {
  return (
    isRecord(value) &&
    isNumber(value.layer) &&
    isNumber(value.head) &&
    isList(value.keys, isNumber) &&
    isList(value.lines, line => isList(line, isNumber))
  );
}

/** The payload, or a sentence that says why it cannot be drawn. */
export function readPayload(value: unknown): HeadsPayload | string {
  return readVersion1<HeadsPayload>(value, 'picture of heads', payload => {
    const rows = Array.isArray(payload.rows) ? payload.rows.length : -1;
    const columns = Array.isArray(payload.columns) ? payload.columns.length : -1;
    const { before, scale, settings } = payload;
    return (
      isTitle(payload.title) &&
      isVerdict(payload.verdict) &&
      isList(payload.boxes, box => isRecord(box) && isList(box.tokens, isNumber)) &&
      isList(payload.rows, row => isRecord(row) && isText(row.name) && isNumber(row.head)) &&
      isList(payload.columns, isText) &&
      isTable(payload.values, rows, columns, isCellValue) &&
      isTable(payload.labels, rows, columns, isText) &&
      isTable(payload.reads, rows, columns, isText) &&
      isTable(payload.choices, rows, columns, item => item === null || Array.isArray(item)) &&
      isList(payload.words, isText) &&
      isList(payload.start, isNumber) &&
      isRecord(before) &&
      [before.read, before.choice, before.label, payload.quantity, payload.stand_in].every(isText) &&
      isRecord(scale) &&
      isNumber(scale.max) &&
      isList(payload.tokens, isText) &&
      isList(payload.queries, isNumber) &&
      isList(payload.patterns, isPattern) &&
      isRecord(settings) &&
      isText(payload.code) &&
      isList(payload.provenance, isText)
    );
  });
}

/** Attention as it is written: hundredths, rounded half up by whole numbers, as in Python. */
export function shareText(thousandths: number): string {
  const hundredths = Math.floor((thousandths + 5) / 10);
  return `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, '0')}`;
}

/** What the model says first without the head. */
export function outcome(payload: HeadsPayload, row: number, column: number): string {
  const choice = payload.choices[row]?.[column] ?? null;
  if (choice === null) {
    return `${payload.before.choice}, as before`;
  }
  return choice.length === 0 ? 'not known' : `${payload.words[choice[0]] ?? ''} ${choice[1]}`;
}

/** The question about one head, as Python writes it of the first. */
export function titleOf(payload: HeadsPayload, head: number, layer: number): string {
  const does = payload.measured ? ', and does it matter?' : '?';
  return `What does head ${head} of layer ${layer} look at${does}`;
}
