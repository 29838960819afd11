/** What Python sends for an edit: texts before and after as boxes, next tokens, the evaluation, sizes of changes. */

import { isList, isNumber, isRecord, isText, isTitle, isVerdict, readVersion1 } from '../payload';
import type { Picture, Verdict } from '../payload';

export const MIME_TYPE = 'application/vnd.interp.edit.v1+json';

export type Tone = 'ok' | 'warn' | 'bad';

/** One token or several that share a character. */
export interface TextBox {
  text: string;
  name: string;
  tokens: number[];
  parts: string[];
  probability: string;
  differs: boolean;
}

/** Which boxes are whose. */
export interface Side {
  name: string;
  start: number;
  end: number;
}

/** A next token; `role` says whether it is, or begins, the new answer or the original one. */
export interface Next {
  name: string;
  before: string;
  after: string;
  role: 'new' | 'original' | null;
}

export interface Sample {
  prompt: string;
  name: string;
  texts: Side[];
  next: Next[];
}

/** A first choice of next token. */
export interface Choice {
  name: string;
  label: string;
}

/** An answer and its probability a token, without and with the edit. */
export interface Answer {
  name: string;
  wanted: boolean;
  before: string;
  after: string;
}

export interface Check {
  prompt: string;
  subject: string;
  before: Choice;
  after: Choice;
  tone: Tone;
  mark: string;
  word: string;
  answers: Answer[];
}

/** A part of the evaluation: one line, and the rows that it sums up, or the worst of them. */
export interface Group {
  key: string;
  words: string;
  before: string;
  after: string;
  tone: Tone;
  mark: string;
  word: string;
  open: boolean;
  rest: string | null;
  rows: Check[];
}

export interface Whole {
  tone: Tone | null;
  mark: string;
  word: string;
  facts: string[];
  crossed: string[];
}

export interface EditPayload extends Picture {
  verdict: Verdict;
  method: string;
  edit: string;
  boxes: TextBox[];
  samples: Sample[];
  groups: Group[];
  changes: { name: string; value: number; label: string }[];
  others: string[];
  whole: Whole | null;
}

function isBox(value: unknown): boolean {
  return (
    isRecord(value) &&
    [value.text, value.name, value.probability].every(isText) &&
    isList(value.tokens, isNumber) &&
    isList(value.parts, isText)
  );
}

function isSample(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.prompt) &&
    isText(value.name) &&
    Array.isArray(value.texts) &&
    value.texts.length === 2 &&
    isList(value.texts, side => isRecord(side) && isNumber(side.start) && isNumber(side.end)) &&
    isList(value.next, one => isRecord(one) && [one.name, one.before, one.after].every(isText))
  );
}

const isChoice = (value: unknown): boolean => isRecord(value) && isText(value.name) && isText(value.label);

function isGroup(value: unknown): boolean {
  return (
    isRecord(value) &&
    [value.key, value.words, value.before, value.after, value.mark, value.word].every(isText) &&
    isList(
      value.rows,
      row =>
        isRecord(row) &&
        [row.prompt, row.mark, row.word].every(isText) &&
        isChoice(row.before) &&
        isChoice(row.after) &&
        isList(row.answers, one => isRecord(one) && isText(one.name))
    )
  );
}

/** The payload, or a sentence that says why it cannot be drawn. */
export function readPayload(value: unknown): EditPayload | string {
  return readVersion1<EditPayload>(
    value,
    'edit',
    payload =>
      isTitle(payload.title) &&
      isVerdict(payload.verdict) &&
      isText(payload.method) &&
      isList(payload.boxes, isBox) &&
      isList(payload.samples, isSample) &&
      isList(payload.groups, isGroup) &&
      isList(
        payload.changes,
        one => isRecord(one) && isText(one.name) && isNumber(one.value) && isText(one.label)
      ) &&
      isList(payload.others, isText) &&
      (payload.whole === null || (isRecord(payload.whole) && isList(payload.whole.facts, isText))) &&
      isList(payload.provenance, isText) &&
      isText(payload.code)
  );
}

/** What a next token is to the fact. */
export const ROLES = { new: 'new answer', original: 'original answer' } as const;

/** Whether a part is one line until it is opened, rather than a single row that needs none. */
export const hasSum = (group: Group): boolean => group.rows.length !== 1 || group.rest !== null;
