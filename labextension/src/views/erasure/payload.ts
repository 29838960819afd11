/** What Python sends for an erasure: probes at each place, points before and after, rounds of INLP, and the damage. */

import { isList, isNumber, isRecord, isText, isTitle, isVerdict, readVersion1 } from '../payload';
import type { Picture, Verdict } from '../payload';

export const MIME_TYPE = 'application/vnd.interp.erasure.v1+json';

/** Without the eraser, with it, and with one in random directions. */
export type Stage = 'before' | 'after' | 'random';

/** A share that is right, with its interval where there is one. */
export interface Bar {
  probe: string;
  stage: Stage;
  value: number;
  label: string;
  low: number | null;
  high: number | null;
  interval: string;
}

export interface Place {
  name: string;
  short: string;
  layer: number;
  rank: string;
  change: string;
  random: string;
  bars: Bar[];
}

/** A labelled state on three axes: two principal ones, and the concept's own; `labels` are of the last. */
export interface Point {
  tokens: number[];
  name: string;
  text: string;
  class: number;
  before: [number, number, number];
  after: [number, number, number];
  labels: [string, string];
}

export interface Round {
  rank: number;
  value: number;
  label: string;
}

export interface Rounds {
  place: string;
  steps: Round[];
  single: (Bar & { rank: number }) | null;
}

/** One measure of what erasing costs, before, after, and under random directions. */
export interface Damage {
  name: string;
  labels: [string, string, string];
  intervals: [string, string, string];
}

export interface ErasurePayload extends Picture {
  verdict: Verdict;
  method: string;
  concept: string;
  classes: string[];
  majority: { value: number; label: string };
  places: Place[];
  /** The place that the points are of. */
  start: number;
  boxes: Point[];
  axes: { name: string; share: string }[];
  apart: string;
  rounds: Rounds | null;
  damage: Damage[];
}

export const STAGES: readonly Stage[] = ['before', 'after', 'random'];
export const STAGE_WORDS: Record<Stage, string> = {
  before: 'before',
  after: 'after',
  random: 'random directions'
};

const isEnd = (value: unknown): boolean => value === null || isNumber(value);
const isOf = (length: number, test: (item: unknown) => boolean) => (value: unknown) =>
  isList(value, test) && (value as unknown[]).length === length;

function isBar(value: unknown): boolean {
  return (
    isRecord(value) &&
    [value.probe, value.label, value.interval].every(isText) &&
    STAGES.some(stage => stage === value.stage) &&
    isNumber(value.value) &&
    isEnd(value.low) &&
    isEnd(value.high)
  );
}

function isPlace(value: unknown): boolean {
  return (
    isRecord(value) &&
    [value.name, value.short, value.rank, value.change, value.random].every(isText) &&
    isList(value.bars, isBar)
  );
}

function isPoint(value: unknown): boolean {
  return (
    isRecord(value) &&
    [value.name, value.text].every(isText) &&
    isList(value.tokens, isNumber) &&
    isNumber(value.class) &&
    [value.before, value.after].every(isOf(3, isNumber)) &&
    isOf(2, isText)(value.labels)
  );
}

function isRounds(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.place) &&
    isList(value.steps, step => isRecord(step) && isNumber(step.value) && isText(step.label)) &&
    (value.single === null || isBar(value.single))
  );
}

/** The payload, or a sentence that says why it cannot be drawn. */
export function readPayload(value: unknown): ErasurePayload | string {
  return readVersion1<ErasurePayload>(
    value,
    'erasure',
    payload =>
      isTitle(payload.title) &&
      isVerdict(payload.verdict) &&
      [payload.method, payload.concept, payload.apart, payload.code].every(isText) &&
      isList(payload.classes, isText) &&
      isRecord(payload.majority) &&
      isNumber(payload.majority.value) &&
      isList(payload.places, isPlace) &&
      (payload.places as unknown[]).length > 0 &&
      isNumber(payload.start) &&
      isList(payload.boxes, isPoint) &&
      isOf(3, axis => isRecord(axis) && isText(axis.name) && isText(axis.share))(payload.axes) &&
      (payload.rounds === null || isRounds(payload.rounds)) &&
      isList(
        payload.damage,
        row => isRecord(row) && isText(row.name) && [row.labels, row.intervals].every(isOf(3, isText))
      ) &&
      isList(payload.provenance, isText)
  );
}
