/** What Python sends for a causal trace: positions by layers for each kind of restoring, and next tokens of each run. */

import { isList, isNumber, isRecord, isText, isTitle, isVerdict, readVersion1 } from '../payload';
import { isCellValue, isRow, isTable } from '../heat';
import type { HeatRow } from '../heat';
import type { Picture, Scale, Verdict } from '../payload';

export const MIME_TYPE = 'application/vnd.interp.trace.v1+json';

export interface Row extends HeatRow {
  position: number;
}

/** A next token as written: its name and its probability. */
export type Shown = [name: string, label: string];

export interface Sheet {
  key: string;
  name: string;
  words: string;
  values: (number | null)[][];
  labels: string[][];
  /** The probability of the target with the cell restored. */
  reads: string[][];
  /** Half the 95 % interval; null for a single sample. */
  spreads: string[][] | null;
  /** Word, label, word, label, ...; null where the run is the corrupted one. */
  after: ((number | string)[] | null)[][];
}

export interface TracePayload extends Picture {
  verdict: Verdict;
  boxes: { text: string; name: string; tokens: number[] }[];
  rows: Row[];
  columns: string[];
  sheets: Sheet[];
  missing: { key: string; name: string; words: string }[];
  scale: Scale;
  target: string;
  clean: string;
  corrupted: string;
  samples: string;
  words: string[];
  target_word: number | null;
  tops: { name: string; items: Shown[] }[];
  rest: string | null;
}

function isSheet(value: unknown, rows: number, columns: number): boolean {
  return (
    isRecord(value) &&
    [value.key, value.name, value.words].every(isText) &&
    isTable(value.values, rows, columns, isCellValue) &&
    isTable(value.labels, rows, columns, isText) &&
    isTable(value.reads, rows, columns, isText) &&
    (value.spreads === null || isTable(value.spreads, rows, columns, isText)) &&
    isTable(value.after, rows, columns, item => item === null || Array.isArray(item))
  );
}

/** The payload, or a sentence that says why it cannot be drawn. */
export function readPayload(value: unknown): TracePayload | string {
  return readVersion1<TracePayload>(value, 'causal trace', payload => {
    const { rows, columns } = payload;
    return (
      isTitle(payload.title) &&
      isVerdict(payload.verdict) &&
      isList(payload.boxes, box => isRecord(box) && isList(box.tokens, isNumber)) &&
      isList(rows, row => isRow(row) && isRecord(row) && isNumber(row.position)) &&
      isList(columns, isText) &&
      Array.isArray(payload.sheets) &&
      payload.sheets.length > 0 &&
      payload.sheets.every(sheet =>
        isSheet(sheet, (rows as unknown[]).length, (columns as unknown[]).length)
      ) &&
      isList(payload.missing, one => isRecord(one) && isText(one.key) && isText(one.name)) &&
      isRecord(payload.scale) &&
      isNumber(payload.scale.max) &&
      [payload.target, payload.clean, payload.corrupted, payload.code].every(isText) &&
      isList(payload.words, isText) &&
      isList(payload.tops, top => isRecord(top) && isText(top.name) && Array.isArray(top.items)) &&
      isList(payload.provenance, isText)
    );
  });
}

/** The next tokens of a restored run; of a cell that changes nothing those of the corrupted runs. */
export function after(payload: TracePayload, sheet: Sheet, row: number, column: number): Shown[] {
  const flat = sheet.after[row]?.[column] ?? null;
  if (flat === null) {
    return payload.tops[1]?.items ?? [];
  }
  const found: Shown[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    found.push([payload.words[Number(flat[at])] ?? '', String(flat[at + 1])]);
  }
  return found;
}
