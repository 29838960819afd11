/** What Python sends for a neuron: its best texts token by token, its histogram, and what its output weight does. */

import { isList, isNumber, isRecord, isText, isTitle, isVerdict, readVersion1 } from '../payload';
import type { Picture, Scale, Verdict } from '../payload';

export const MIME_TYPE = 'application/vnd.interp.neuron.v1+json';

export interface Word {
  text: string;
  name: string;
  score: number;
  /** Empty where the activation is not known or does not count. */
  label: string;
  parts: { name: string; label: string }[];
}

/** One text; `tokens` holds its place, which is what is selected. */
export interface Entry {
  tokens: number[];
  rank: string;
  where: string;
  peak: { name: string; label: string; score: number };
  share: string | null;
  words: Word[];
  cut: string | null;
  /** Whether something is left out before and after. */
  ends: [boolean, boolean];
}

export interface Bar {
  name: string;
  count: number;
  label: string;
  height: number;
  /** Whether it reaches into the region of the best texts' peaks. */
  top: boolean;
  negative: boolean;
}

export interface Histogram {
  bars: Bar[];
  bound: { at: number; label: string };
  ends: [string, string];
  zero: number;
  words: string;
}

export interface Promoted {
  name: string;
  value: number;
  label: string;
}

/** Label, activation, and the text before, at and after the peak. */
export type Brief = [string, number, string, string, string];

/** The peaks of every neuron of the layer, from `first` on. */
export interface Layer {
  title: [string, string];
  first: number;
  last: number;
  neurons: Brief[][];
  words: string;
  rest: string | null;
}

export interface NeuronPayload extends Picture {
  version: 1;
  model_id?: string;
  verdict: Verdict | null;
  finding: string;
  boxes: Entry[];
  scale: Scale;
  /** Whether the activations of all tokens are known. */
  whole: boolean;
  rest: string | null;
  /** null in the picture of another neuron of a saved layer. */
  histogram: Histogram | null;
  figures: { name: string; label: string }[];
  promoted: Promoted[];
  demoted: Promoted[];
  weights: string;
  layer: Layer | null;
  settings: { neuron: number };
}

const isLabelled = (value: unknown): boolean => isRecord(value) && isText(value.name) && isText(value.label);

function isWord(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.text) &&
    isText(value.name) &&
    isNumber(value.score) &&
    isText(value.label) &&
    isList(value.parts, isLabelled)
  );
}

function isEntry(value: unknown): boolean {
  return (
    isRecord(value) &&
    isList(value.tokens, isNumber) &&
    isText(value.rank) &&
    isText(value.where) &&
    isLabelled(value.peak) &&
    Array.isArray(value.ends) &&
    isList(value.words, isWord)
  );
}

function isHistogram(value: unknown): boolean {
  return (
    isRecord(value) &&
    isList(value.bars, bar => isLabelled(bar) && isRecord(bar) && isNumber(bar.height)) &&
    isRecord(value.bound) &&
    isNumber(value.bound.at) &&
    isList(value.ends, isText) &&
    isNumber(value.zero) &&
    isText(value.words)
  );
}

function isLayer(value: unknown): boolean {
  return (
    isRecord(value) &&
    isList(value.title, isText) &&
    isNumber(value.first) &&
    isNumber(value.last) &&
    isList(value.neurons, Array.isArray) &&
    isText(value.words)
  );
}

/** The payload, or a sentence that says why it cannot be drawn. */
export function readPayload(value: unknown): NeuronPayload | string {
  return readVersion1<NeuronPayload>(
    value,
    'neuron',
    payload =>
      isTitle(payload.title) &&
      (payload.verdict === null || isVerdict(payload.verdict)) &&
      isText(payload.finding) &&
      isList(payload.boxes, isEntry) &&
      isRecord(payload.scale) &&
      isNumber(payload.scale.max) &&
      isHistogram(payload.histogram) &&
      isList(payload.figures, isLabelled) &&
      isList(payload.promoted, isLabelled) &&
      isList(payload.demoted, isLabelled) &&
      isText(payload.weights) &&
      (payload.layer === null || isLayer(payload.layer)) &&
      isList(payload.provenance, isText) &&
      isText(payload.code) &&
      isRecord(payload.settings) &&
      isNumber(payload.settings.neuron)
  );
}

/** A token as it is named alone. */
function nameOf(token: string): string {
  return token.replaceAll('\n', '').replace(/^ | $/g, '·');
}

/** The picture of another neuron of a saved layer: its peaks are all that is known. */
export function briefPayload(payload: NeuronPayload, neuron: number): NeuronPayload {
  const { layer } = payload;
  const found = layer?.neurons[neuron - layer.first];
  if (layer === null || found === undefined || neuron === payload.settings.neuron) {
    return payload;
  }
  const peaks = found.map(brief => Math.abs(brief[1]));
  const max = Math.max(0, ...peaks);
  return {
    ...payload,
    title: [{ text: `${layer.title[0]}${neuron}${layer.title[1]}` }],
    verdict: null,
    finding: layer.words,
    boxes: found.map(([label, score, before, token, after], at) => {
      const plain = (text: string): Word => ({ text, name: text, score: 0, label: '', parts: [] });
      return {
        tokens: [at],
        rank: String(at + 1),
        where: '',
        peak: { name: nameOf(token), label, score },
        share: null,
        words: [plain(before), { ...plain(token), name: nameOf(token), score, label }, plain(after)].filter(
          word => word.text !== ''
        ),
        cut: null,
        ends: [false, false]
      };
    }),
    scale: { ...payload.scale, max, label: (found[peaks.indexOf(max)]?.[0] ?? '').replace(/^[+−]/, '') },
    whole: false,
    rest: null,
    histogram: null,
    figures: [],
    promoted: [],
    demoted: [],
    settings: { neuron }
  };
}
