/** What Python sends for a comparison. Boxes stand once; each method brings scores, numbers and ranks in their order. */

import {
  isCandidate,
  isGroups,
  isList,
  isNumber,
  isRecord,
  isText,
  isTitle,
  isVerdict,
  readVersion1
} from '../payload';
import type { Candidate, Group, Passage, Picture, Scale, Verdict } from '../payload';

export const MIME_TYPE = 'application/vnd.interp.compare.v1+json';

export interface PlainBox {
  text: string;
  name: string;
  tokens: number[];
  parts: string[];
}

export interface Method {
  name: string;
  label: string;
  verdict: Verdict;
  cost: string;
  scale: Scale;
  scores: number[];
  labels: string[];
  /** Numbers of the tokens of a box that covers several, by the box's index. */
  parts: Record<string, string[]>;
  ranks: number[];
  notes: string[];
}

/** A token on whose rank the methods differ; `index` is null where it is not drawn. */
export interface Difference {
  index: number | null;
  name: string;
  sentence: string;
}

export interface ComparePayload extends Picture {
  version: 1;
  model_id?: string;
  sentence: string;
  boxes: PlainBox[];
  groups: Group[];
  methods: Method[];
  differ: Difference[];
  agreement: { value: number | null; label: string }[][];
  rest: string | null;
  candidates: Candidate[];
  settings: { target: string; foil: string | null; methods: string[] };
}

function isMethod(value: unknown, boxes: number): boolean {
  const counted = (list: unknown, test: (item: unknown) => boolean): boolean =>
    isList(list, test) && (list as unknown[]).length === boxes;
  return (
    isRecord(value) &&
    isText(value.label) &&
    isVerdict(value.verdict) &&
    isText(value.cost) &&
    isRecord(value.scale) &&
    isNumber(value.scale.max) &&
    counted(value.scores, isNumber) &&
    counted(value.labels, isText) &&
    counted(value.ranks, isNumber) &&
    isRecord(value.parts)
  );
}

function isPlainBox(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.text) &&
    isText(value.name) &&
    isList(value.tokens, isNumber) &&
    isList(value.parts, isText)
  );
}

const isCell = (value: unknown): boolean => isRecord(value) && isText(value.label);

/** The payload, or a sentence that says why it cannot be drawn. */
export function readPayload(value: unknown): ComparePayload | string {
  return readVersion1<ComparePayload>(value, 'comparison', payload => {
    const { boxes, methods, differ, agreement, settings } = payload;
    return (
      isTitle(payload.title) &&
      isText(payload.sentence) &&
      isList(boxes, isPlainBox) &&
      isGroups(payload.groups) &&
      isList(methods, method => isMethod(method, (boxes as unknown[]).length)) &&
      isList(differ, item => isRecord(item) && isText(item.name) && isText(item.sentence)) &&
      isList(agreement, row => isList(row, isCell)) &&
      isList(payload.candidates, isCandidate) &&
      isList(payload.provenance, isText) &&
      isText(payload.code) &&
      isRecord(settings) &&
      isList(settings.methods, isText)
    );
  });
}

/** One method's scores as running text. */
export function passageOf(payload: ComparePayload, method: Method): Passage {
  return {
    groups: payload.groups,
    scale: method.scale,
    boxes: payload.boxes.map((box, index) => ({
      text: box.text,
      name: box.name,
      tokens: box.tokens,
      score: method.scores[index] ?? 0,
      label: method.labels[index] ?? '',
      parts: box.parts.map((name, at) => ({ name, label: method.parts[String(index)]?.[at] ?? '' }))
    }))
  };
}
