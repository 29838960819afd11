/** What Python sends for a matrix: prompt and generated text as boxes, and for each explained box its sources. */

import { isGroups, isList, isNumber, isRecord, isText, isTitle, isVerdict, readVersion1 } from '../payload';
import type { Group, Picture, Scale, Verdict } from '../payload';

export const MIME_TYPE = 'application/vnd.interp.matrix.v1+json';

export interface PlainBox {
  text: string;
  name: string;
  tokens: number[];
  parts: string[];
}

/** An explained box: what the model thought of it, and a score for each box before it. */
export interface Row {
  box: number;
  probability: number;
  label: string;
  entropy: string;
  runner: { name: string; label: string };
  scale: Scale;
  scores: number[];
  labels: string[];
}

export interface MatrixPayload extends Picture {
  version: 1;
  model_id?: string;
  /** null while nothing is known yet. */
  verdict: Verdict | null;
  complete: boolean;
  amount: string;
  boxes: PlainBox[];
  /** How many of the boxes are the prompt's. */
  prompt: number;
  groups: Group[];
  rows: Row[];
  scale: Scale;
  rest: string | null;
  method: string;
  settings: { method: string };
}

/** What a run adds to a picture: `from` is the first place that is new. */
export interface Patch {
  head: Record<string, unknown>;
  boxes: { from: number; items: unknown[] };
  rows: { from: number; items: unknown[] };
}

function isBox(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.text) &&
    isText(value.name) &&
    isList(value.tokens, isNumber) &&
    isList(value.parts, isText)
  );
}

function isRow(value: unknown, boxes: number): boolean {
  if (!isRecord(value) || !isRecord(value.scale) || !isRecord(value.runner)) {
    return false;
  }
  const { box, scores, labels } = value;
  return (
    typeof box === 'number' &&
    box < boxes &&
    isNumber(value.probability) &&
    isText(value.label) &&
    isText(value.entropy) &&
    isText(value.runner.name) &&
    isNumber(value.scale.max) &&
    Array.isArray(scores) &&
    Array.isArray(labels) &&
    scores.length === box &&
    labels.length === box
  );
}

/** The payload, or a sentence that says why it cannot be drawn. */
export function readPayload(value: unknown): MatrixPayload | string {
  return readVersion1<MatrixPayload>(value, 'matrix', payload => {
    const { boxes, rows } = payload;
    return (
      isTitle(payload.title) &&
      (payload.verdict === null || isVerdict(payload.verdict)) &&
      isText(payload.amount) &&
      isList(boxes, isBox) &&
      isNumber(payload.prompt) &&
      isGroups(payload.groups) &&
      isList(rows, row => isRow(row, (boxes as unknown[]).length)) &&
      isRecord(payload.scale) &&
      isNumber(payload.scale.max) &&
      isList(payload.provenance, isText) &&
      isText(payload.code) &&
      isText(payload.method)
    );
  });
}

function isNews(value: unknown): value is { from: number; items: unknown[] } {
  return isRecord(value) && typeof value.from === 'number' && Array.isArray(value.items);
}

export function isPatch(value: unknown): value is Patch {
  return (
    isRecord(value) &&
    value.kind === 'matrix-patch' &&
    isRecord(value.head) &&
    isNews(value.boxes) &&
    isNews(value.rows)
  );
}

/** The picture with what is new; null if something between is missing. What was there stays the same object. */
export function patched(payload: MatrixPayload, { head, boxes, rows }: Patch): unknown {
  if (boxes.from > payload.boxes.length || rows.from > payload.rows.length) {
    return null;
  }
  return {
    ...head,
    boxes: [...payload.boxes.slice(0, boxes.from), ...boxes.items],
    rows: [...payload.rows.slice(0, rows.from), ...rows.items]
  };
}

/** Places of the largest absolute scores, largest first; of equals the earlier one. */
export function strongest(scores: readonly number[], count: number): number[] {
  return scores
    .map((score, index) => ({ index, size: Math.abs(score) }))
    .filter(item => item.size > 0)
    .sort((a, b) => b.size - a.size || a.index - b.index)
    .slice(0, count)
    .map(item => item.index);
}

/** Cells beyond which a page becomes slow. */
export const CELLS = 4000;
const FEWEST = 8;

/** The boxes that have a column: all that are a source, or of too many the strongest, in reading order. */
export function columnsOf(payload: MatrixPayload, cells = CELLS): number[] {
  const across = Math.max(0, ...payload.rows.map(row => row.box));
  const all = Array.from({ length: across }, (_, box) => box);
  const room = Math.max(FEWEST, Math.floor(cells / Math.max(1, payload.rows.length)));
  if (across <= room) {
    return all;
  }
  const peaks = all.map(box => Math.max(0, ...payload.rows.map(row => Math.abs(row.scores[box] ?? 0))));
  return strongest(peaks, room).sort((a, b) => a - b);
}
