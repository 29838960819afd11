/** What Python sends for patching: both prompts, and rows by layers for each site, exact and as the gradient predicts. */

import { isCellValue, isRow, isTable } from '../heat';
import { isList, isNumber, isRecord, isText, isTitle, isVerdict, readVersion1 } from '../payload';
import type { HeatRow } from '../heat';
import type { Run } from '../nextTokens';
import type { Picture, Scale, Verdict } from '../payload';

export const MIME_TYPE = 'application/vnd.interp.patch.v1+json';

export interface Row extends HeatRow {
  number: number;
}

/** A token of a prompt; `partner` is the one of the other prompt that stands for it, -1 for none. */
export interface Token {
  text: string;
  name: string;
  partner: number;
  differs: boolean;
}

export interface Prompt {
  name: string;
  tokens: Token[];
}

/** Effects, their labels, and what the metric is in the patched run. */
export interface Cells {
  values: (number | null)[][];
  labels: string[][];
  reads: string[][];
}

export interface Sheet {
  key: string;
  name: string;
  words: string;
  exact: Cells;
  first: Cells | null;
}

export interface PatchPayload extends Picture {
  verdict: Verdict;
  boxes: { text: string; name: string; tokens: number[] }[];
  runs: Prompt[];
  row: string;
  rows: Row[];
  columns: string[];
  sheets: Sheet[];
  missing: { key: string; name: string; words: string }[];
  /** Only a sample of the cells was measured. */
  sparse: boolean;
  scale: Scale;
  /** The largest predicted effect, where it goes past the scale. */
  beyond: string | null;
  base: { name: string; label: string };
  other: { name: string; label: string };
  measure: string;
  agreement: { pearson: string | null; spearman: string | null; cells: string } | null;
  where: string | null;
  tops: Run[];
  target: string;
  rest: string | null;
}

function isCells(value: unknown, rows: number, columns: number): boolean {
  return (
    isRecord(value) &&
    isTable(value.values, rows, columns, isCellValue) &&
    isTable(value.labels, rows, columns, isText) &&
    isTable(value.reads, rows, columns, isText)
  );
}

function isSheet(value: unknown, rows: number, columns: number): boolean {
  return (
    isRecord(value) &&
    [value.key, value.name, value.words].every(isText) &&
    isCells(value.exact, rows, columns) &&
    (value.first === null || isCells(value.first, rows, columns))
  );
}

function isPrompt(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.name) &&
    isList(value.tokens, token => isRecord(token) && isText(token.text) && isNumber(token.partner))
  );
}

const isEnd = (value: unknown): boolean => isRecord(value) && isText(value.name) && isText(value.label);

/** The payload, or a sentence that says why it cannot be drawn. */
export function readPayload(value: unknown): PatchPayload | string {
  return readVersion1<PatchPayload>(value, 'patching', payload => {
    const { rows, columns } = payload;
    return (
      isTitle(payload.title) &&
      isVerdict(payload.verdict) &&
      isList(payload.boxes, box => isRecord(box) && isList(box.tokens, isNumber)) &&
      isList(payload.runs, isPrompt) &&
      isList(rows, row => isRow(row) && isRecord(row) && isNumber(row.number)) &&
      isList(columns, isText) &&
      Array.isArray(payload.sheets) &&
      payload.sheets.length > 0 &&
      payload.sheets.every(sheet =>
        isSheet(sheet, (rows as unknown[]).length, (columns as unknown[]).length)
      ) &&
      isList(payload.missing, one => isRecord(one) && isText(one.key) && isText(one.name)) &&
      isRecord(payload.scale) &&
      isNumber(payload.scale.max) &&
      isEnd(payload.base) &&
      isEnd(payload.other) &&
      [payload.measure, payload.row, payload.code].every(isText) &&
      (payload.agreement === null || isRecord(payload.agreement)) &&
      isList(payload.tops, top => isRecord(top) && isText(top.name) && Array.isArray(top.items)) &&
      isList(payload.provenance, isText)
    );
  });
}
