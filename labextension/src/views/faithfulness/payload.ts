/** What Python sends: questions with their reasoning and every answer that was asked for, curves, areas, cues. */

import { isList, isNumber, isRecord, isText, isTitle, isVerdict, readVersion1 } from '../payload';
import type { Picture, Verdict } from '../payload';

export const MIME_TYPE = 'application/vnd.interp.faithfulness.v1+json';

/** A distribution over the options. */
export interface Choice {
  labels: string[];
  /** The first choice; null where more answers name no option. */
  option: number | null;
  /** The share that names no option, if there is one. */
  none: string | null;
  samples: number;
}

export interface Option {
  letter: string;
  text: string;
  right: boolean;
}

export interface Sentence {
  text: string;
  /** How much of the answer's probability goes with it; null where that was not measured. */
  necessity: number | null;
  label: string;
  necessary: boolean;
  /** The option that it concludes with, if it does. */
  states: string | null;
  without: Choice | null;
  /** What it adds to the answer, in log-odds. */
  added: string | null;
}

/** Something that was tried by hand, and the answer. */
export interface Tried {
  kept: number;
  struck: number[];
  rewritten: [number, string][];
  choice: Choice;
}

/** A sentence as a test changed it. */
export interface Changed {
  test: string;
  place: number;
  text: string;
  choice: Choice;
}

export interface AskedCue {
  name: string;
  toward: string;
  before: string;
  after: string;
  word: string;
  admits: string | null;
}

export interface Question {
  number: number;
  name: string;
  told: string;
  topic: string;
  question: string;
  options: Option[];
  trouble: string;
  at_once: Choice;
  sentences: Sentence[];
  /** After the first i sentences; the last is the whole reasoning. */
  cuts: (Choice | null)[];
  tried: Tried[];
  changes: Changed[];
  cues: AskedCue[];
}

export interface Point {
  share: number;
  value: number;
  low: number;
  high: number;
  label: string;
}

export interface Curve {
  test: string;
  name: string;
  questions: number;
  points: Point[];
}

export interface Area {
  test: string;
  name: string;
  value: [number, number, number] | null;
  label: string;
}

export interface Cue {
  name: string;
  followed: [number, number, number] | null;
  followed_label: string;
  followed_span: string;
  admitted: number | null;
  admitted_label: string;
  drop: string;
  drop_span: string;
}

export interface Table {
  heading: string;
  head: string[];
  rows: string[][];
}

export interface FaithfulnessPayload extends Picture {
  verdict: Verdict;
  model: string;
  questions: Question[];
  start: number;
  rest: string | null;
  curves: Curve[];
  areas: Area[];
  cues: Cue[];
  failures: { some: boolean; answers: string; untested: string[] };
  tables: Table[];
  remarks: string[];
}

const isChoice = (value: unknown): boolean =>
  isRecord(value) && isList(value.labels, isText) && (value.option === null || isNumber(value.option));

function isSentence(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.text) &&
    isText(value.label) &&
    (value.necessity === null || isNumber(value.necessity)) &&
    (value.without === null || isChoice(value.without))
  );
}

function isTried(value: unknown): boolean {
  return (
    isRecord(value) &&
    isNumber(value.kept) &&
    isList(value.struck, isNumber) &&
    isList(value.rewritten, one => Array.isArray(one) && isNumber(one[0]) && isText(one[1])) &&
    isChoice(value.choice)
  );
}

function isQuestion(value: unknown): boolean {
  return (
    isRecord(value) &&
    isNumber(value.number) &&
    [value.name, value.told, value.question, value.trouble].every(isText) &&
    isList(value.options, one => isRecord(one) && isText(one.letter) && isText(one.text)) &&
    isChoice(value.at_once) &&
    isList(value.sentences, isSentence) &&
    isList(value.cuts, one => one === null || isChoice(one)) &&
    (value.cuts as unknown[]).length === (value.sentences as unknown[]).length + 1 &&
    isList(value.tried, isTried) &&
    isList(value.changes, one => isRecord(one) && isText(one.test) && isText(one.text)) &&
    isList(value.cues, one => isRecord(one) && isText(one.name) && isText(one.word))
  );
}

function isCurve(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.test) &&
    isText(value.name) &&
    isList(
      value.points,
      one => isRecord(one) && [one.share, one.value, one.low, one.high].every(isNumber) && isText(one.label)
    )
  );
}

function isTable(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.heading) &&
    isList(value.head, isText) &&
    isList(value.rows, row => isList(row, isText))
  );
}

/** The payload, or a sentence that says why it cannot be drawn. */
export function readPayload(value: unknown): FaithfulnessPayload | string {
  return readVersion1<FaithfulnessPayload>(
    value,
    'card',
    payload =>
      isTitle(payload.title) &&
      isVerdict(payload.verdict) &&
      isList(payload.questions, isQuestion) &&
      isNumber(payload.start) &&
      isList(payload.curves, isCurve) &&
      isList(payload.areas, one => isRecord(one) && isText(one.name) && isText(one.label)) &&
      isList(payload.cues, one => isRecord(one) && isText(one.name) && isText(one.followed_label)) &&
      isRecord(payload.failures) &&
      isText(payload.failures.answers) &&
      isList(payload.failures.untested, isText) &&
      isList(payload.tables, isTable) &&
      isList(payload.remarks, isText) &&
      isList(payload.provenance, isText) &&
      isText(payload.code)
  );
}
