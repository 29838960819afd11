/** What Python sends for a logit lens: rows are layers, with a cell for each position; tokens are named once. */

import { isList, isNumber, isRecord, isText, isTitle, isVerdict, readVersion1 } from '../payload';
import type { Picture, Verdict } from '../payload';

export const MIME_TYPE = 'application/vnd.interp.lens.v1+json';

/** The distribution over the next token after one layer at one position. */
export interface LensCell {
  /** Places in `words` of the best tokens, best first, and their probabilities as written. */
  ids: number[];
  p: number;
  labels: string[];
  entropy: string;
  divergence: string;
  /** Of each followed token; 1 is the best. */
  ranks: number[];
}

export interface LensRow {
  layer: number;
  /** null is a cell that is not read yet. */
  cells: (LensCell | null)[];
}

/** A token's probability after each layer, the first layer first; null is not read yet, empty is below `least`. */
export interface Trail {
  id: number;
  labels: (string | null)[];
}

export interface LensBox {
  text: string;
  name: string;
  tokens: number[];
  position: number;
}

export interface HeldOut {
  divergence: string[];
  agreement: string[];
  guess: string;
  /** Layers where the lens is no better than a guess that reads nothing. */
  weak: boolean[];
  tokens: number;
}

export interface Settings {
  sites: string;
  calibrated: boolean;
  tokens: number[];
}

export interface LensPayload extends Picture {
  version: 1;
  model_id?: string;
  /** null while nothing is known yet. */
  verdict: Verdict | null;
  complete: boolean;
  reads: string;
  amount: string;
  boxes: LensBox[];
  words: string[];
  rows: LensRow[];
  /** Places in `words`. */
  followed: number[];
  /** For each position the tokens that can be followed there: `followed` first. */
  trails: Trail[][];
  /** How a probability that is too small to be told is written. */
  least: string;
  /** For each position who leads when, in words. */
  stories: string[];
  held_out: HeldOut | null;
  rest: string | null;
  settings: Settings;
}

/** What a run adds to a picture: everything but the rows, and the rows that changed by their places. */
export interface Patch {
  head: Record<string, unknown>;
  rows: { at: number; row: unknown }[];
}

function isCell(value: unknown, words: number, followed: number): boolean {
  if (value === null) {
    return true;
  }
  if (!isRecord(value)) {
    return false;
  }
  const { ids, labels, ranks } = value;
  return (
    isList(ids, id => typeof id === 'number' && id < words) &&
    (ids as unknown[]).length > 0 &&
    isNumber(value.p) &&
    isList(labels, isText) &&
    (labels as unknown[]).length === (ids as unknown[]).length &&
    isText(value.entropy) &&
    isText(value.divergence) &&
    isList(ranks, isNumber) &&
    (ranks as unknown[]).length === followed
  );
}

function isTrail(value: unknown, words: number, layers: number): boolean {
  return (
    isRecord(value) &&
    typeof value.id === 'number' &&
    value.id < words &&
    isList(value.labels, label => label === null || isText(label)) &&
    (value.labels as unknown[]).length === layers
  );
}

function isHeldOut(value: unknown): boolean {
  return (
    value === null ||
    (isRecord(value) &&
      isList(value.divergence, isText) &&
      isList(value.agreement, isText) &&
      isText(value.guess))
  );
}

/** The payload, or a sentence that says why it cannot be drawn. */
export function readPayload(value: unknown): LensPayload | string {
  return readVersion1<LensPayload>(value, 'lens', payload => {
    const { boxes, words, rows, followed, trails, stories } = payload;
    if (
      !isList(boxes, box => isRecord(box) && isText(box.name) && isList(box.tokens, isNumber)) ||
      !isList(words, isText) ||
      !isList(followed, isNumber) ||
      !isList(rows, row => isRecord(row) && isNumber(row.layer) && Array.isArray(row.cells))
    ) {
      return false;
    }
    const places = (boxes as unknown[]).length;
    const names = (words as unknown[]).length;
    const lines = rows as LensRow[];
    const traced = (followed as unknown[]).length;
    return (
      isTitle(payload.title) &&
      (payload.verdict === null || isVerdict(payload.verdict)) &&
      isText(payload.reads) &&
      isText(payload.amount) &&
      lines.every(
        row => row.cells.length === places && row.cells.every(cell => isCell(cell, names, traced))
      ) &&
      isList(trails, list => isList(list, trail => isTrail(trail, names, lines.length))) &&
      (trails as unknown[]).length === places &&
      isList(stories, isText) &&
      isText(payload.least) &&
      isHeldOut(payload.held_out) &&
      isRecord(payload.settings) &&
      isList(payload.provenance, isText) &&
      isText(payload.code)
    );
  });
}

export function isPatch(value: unknown): value is Patch {
  return (
    isRecord(value) &&
    value.kind === 'lens-patch' &&
    isRecord(value.head) &&
    isList(value.rows, item => isRecord(item) && isNumber(item.at))
  );
}

/** The picture with what is new; null if it is about other rows. What did not change stays the same object. */
export function patched(payload: LensPayload, { head, rows }: Patch): unknown {
  const next: unknown[] = [...payload.rows];
  for (const { at, row } of rows) {
    if (at > next.length) {
      return null;
    }
    next[at] = row;
  }
  return { ...head, rows: next };
}

/** A layer's row and a position's column, by their places in the payload. */
export interface Place {
  row: number;
  column: number;
}

export const cellAt = (payload: LensPayload, { row, column }: Place): LensCell | null =>
  payload.rows[row]?.cells[column] ?? null;

export const word = (payload: LensPayload, id: number): string => payload.words[id] ?? '';

/** The rank of a token in a cell as far as it is known: exact for followed tokens and the best ones. */
export function rankOf(payload: LensPayload, cell: LensCell, id: number): string {
  const followed = payload.followed.indexOf(id);
  const exact = followed >= 0 ? cell.ranks[followed] : undefined;
  if (exact !== undefined) {
    return String(exact).replace(/\B(?=(\d{3})+(?!\d))/g, '\u2009');
  }
  const among = cell.ids.indexOf(id);
  return among >= 0 ? String(among + 1) : `over ${cell.ids.length}`;
}

/** A cell in words: "after layer 24, at ·is: ·Sydney 0.36". */
export function cellWords(payload: LensPayload, place: Place): string {
  const cell = cellAt(payload, place);
  const at = `after layer ${payload.rows[place.row]?.layer ?? ''}, at ${payload.boxes[place.column]?.name ?? ''}`;
  return cell === null
    ? `${at}: not read yet`
    : `${at}: ${word(payload, cell.ids[0] ?? 0)} ${cell.labels[0] ?? ''}`;
}

/** How high a trail's bar stands, read off the label: "> 0.99" is nearly one. */
export function height(label: string | null | undefined): number {
  const value = Number.parseFloat((label ?? '').replace(/^[<>] /, ''));
  return Number.isFinite(value) ? value : 0;
}

/** A trail's probability after a layer, as written. */
export function trailLabel(payload: LensPayload, trail: Trail, layer: number): string {
  const label = trail.labels[layer] ?? null;
  return label === null ? '–' : label === '' ? payload.least : label;
}
