/** What the payloads of all views have in common. Every text and formatted number is made in Python; views only lay out. */

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

export interface Scale {
  max: number;
  label: string;
  unit: string;
}

/** Running text with scores. */
export interface Passage {
  boxes: Box[];
  groups: Group[];
  scale: Scale;
}

export interface Candidate {
  text: string;
  name: string;
  id: number;
  probability: number;
  label: string;
  role: 'target' | 'foil' | null;
}

/** What a card needs of any payload. */
export interface Picture {
  title: TitlePart[];
  boxes: { tokens: number[] }[];
  provenance: string[];
  code: string;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: unknown, test: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(test);
}

export const isText = (value: unknown): boolean => typeof value === 'string';
export const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);

export function isTitle(value: unknown): boolean {
  return isList(value, part => isRecord(part) && isText(part.text));
}

export function isVerdict(value: unknown): boolean {
  return isRecord(value) && isText(value.word) && isText(value.sentence) && isList(value.why, isText);
}

export function isGroups(value: unknown): boolean {
  return isList(value, group => isRecord(group) && isText(group.label));
}

export function isCandidate(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.text) &&
    isText(value.name) &&
    isNumber(value.probability) &&
    isText(value.label)
  );
}

/** The payload, or a sentence that says why it cannot be drawn (a file of another version, or a damaged one). */
export function readVersion1<P>(
  value: unknown,
  name: string,
  isWhole: (payload: Record<string, unknown>) => boolean
): P | string {
  if (!isRecord(value)) {
    return `There is no ${name} in this output.`;
  }
  if (Object.keys(value).length === 0) {
    return `This ${name} was closed. Run the cell again to see it.`;
  }
  if (value.version !== 1) {
    return (
      `This ${name} has format version ${String(value.version)}; this extension reads version 1. ` +
      'Update Interp Widgets, or run the cell again.'
    );
  }
  return isWhole(value)
    ? (value as unknown as P)
    : `This ${name} is damaged: a part of it is missing. Run the cell again.`;
}
