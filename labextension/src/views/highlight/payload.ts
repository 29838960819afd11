/** What Python sends for a highlight. Every text and formatted number is made there; the view only lays out. */

export const MIME_TYPE = 'application/vnd.interp.highlight.v1+json';

export interface TitlePart {
  text: string;
  quote?: boolean;
}

export type Word = 'trust' | 'caution' | 'do not trust';

export interface Verdict {
  word: Word;
  sentence: string;
  why: string[];
}

/** One token of the running text, or several that share a character. */
export interface Box {
  text: string;
  name: string;
  score: number;
  label: string;
  tokens: number[];
  parts: { name: string; label: string }[];
}

/** A chat turn: boxes `start` to `end - 1`. */
export interface Group {
  label: string;
  start: number;
  end: number;
}

export interface Candidate {
  text: string;
  name: string;
  id: number;
  probability: number;
  label: string;
  role: 'target' | 'foil' | null;
}

export interface Settings {
  method: string;
  target: string;
  foil: string | null;
  baseline: string;
  steps: number;
  quadrature: string;
}

export interface HighlightPayload {
  version: 1;
  model_id?: string;
  title: TitlePart[];
  verdict: Verdict;
  boxes: Box[];
  groups: Group[];
  scale: { max: number; label: string; unit: string };
  sum: string | null;
  candidates: Candidate[];
  provenance: string[];
  code: string;
  settings: Settings;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: unknown, test: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(test);
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);

function isBox(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.text) &&
    isText(value.name) &&
    isNumber(value.score) &&
    isText(value.label) &&
    isList(value.tokens, isNumber) &&
    isList(value.parts, part => isRecord(part) && isText(part.name) && isText(part.label))
  );
}

function isCandidate(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.text) &&
    isText(value.name) &&
    isNumber(value.probability) &&
    isText(value.label)
  );
}

/** The payload, or a sentence that says why it cannot be drawn (a file of another version, or a damaged one). */
export function readPayload(value: unknown): HighlightPayload | string {
  if (!isRecord(value)) {
    return 'There is no highlight in this output.';
  }
  if (Object.keys(value).length === 0) {
    return 'This highlight was closed. Run the cell again to see it.';
  }
  if (value.version !== 1) {
    return (
      `This highlight has format version ${String(value.version)}; this extension reads version 1. ` +
      'Update Interp Widgets, or run the cell again.'
    );
  }
  const { scale, verdict, settings } = value;
  const whole =
    isList(value.title, part => isRecord(part) && isText(part.text)) &&
    isRecord(verdict) &&
    isText(verdict.word) &&
    isText(verdict.sentence) &&
    isList(verdict.why, isText) &&
    isList(value.boxes, isBox) &&
    isList(value.groups, group => isRecord(group) && isText(group.label)) &&
    isRecord(scale) &&
    isNumber(scale.max) &&
    isList(value.candidates, isCandidate) &&
    isList(value.provenance, isText) &&
    isText(value.code) &&
    isRecord(settings);
  return whole
    ? (value as unknown as HighlightPayload)
    : 'This highlight is damaged: a part of it is missing. Run the cell again.';
}
