/** What Python sends for a highlight. Every text and formatted number is made there; the view only lays out. */

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
import type { Box as PlainBox, Candidate, Passage, Picture, Verdict } from '../payload';

export const MIME_TYPE = 'application/vnd.interp.highlight.v1+json';

/** `interval` is the 95 % confidence interval of the score, where the method gives one: "+0.9 to +1.5". */
export interface Box extends PlainBox {
  interval?: string;
}

export interface Settings {
  method: string;
  target: string;
  foil: string | null;
  baseline: string;
  steps: number;
  quadrature: string;
  /** null is the method's own default, also for what follows. */
  delete?: string | null;
  samples?: number | null;
  function?: string | null;
  group?: string | null;
}

export interface HighlightPayload extends Passage, Picture {
  version: 1;
  model_id?: string;
  verdict: Verdict;
  boxes: Box[];
  sum: string | null;
  candidates: Candidate[];
  settings: Settings;
}

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

/** The payload, or a sentence that says why it cannot be drawn. */
export function readPayload(value: unknown): HighlightPayload | string {
  return readVersion1<HighlightPayload>(
    value,
    'highlight',
    ({ title, verdict, boxes, groups, scale, candidates, provenance, code, settings }) =>
      isTitle(title) &&
      isVerdict(verdict) &&
      isList(boxes, isBox) &&
      isGroups(groups) &&
      isRecord(scale) &&
      isNumber(scale.max) &&
      isList(candidates, isCandidate) &&
      isList(provenance, isText) &&
      isText(code) &&
      isRecord(settings)
  );
}
