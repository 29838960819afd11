/** What Python sends for the console: vectors and their bounds, two texts as boxes, gauges, and the grid. */

import { isList, isNumber, isRecord, isText, isTitle, isVerdict, readVersion1 } from '../payload';
import type { Picture, Scale, Verdict } from '../payload';

export const MIME_TYPE = 'application/vnd.interp.steering.v1+json';

export interface Vector {
  name: string;
  /** Its name as Python has it. */
  key: string;
  positive: string;
  negative: string;
  strength: number;
  label: string;
  low: number;
  high: number;
  /** How far it goes past its bounds. */
  wide: [number, number];
  bounds: string;
  measured: { strength: number; words: string }[];
  unmeasured: string;
  where: string;
  unit: string;
  read_at: string;
  scale: Scale;
}

/** One token or several that share a character; a score and a label for each vector, none while it is written. */
export interface TextBox {
  text: string;
  name: string;
  tokens: number[];
  parts: string[];
  probability: string;
  differs: boolean;
  scores: number[];
  labels: string[];
}

/** Which boxes are whose. */
export interface Side {
  name: string;
  start: number;
  end: number;
  pace: string;
}

export interface Bar {
  name: string;
  value: number;
  label: string;
}

export interface Gauge {
  name: string;
  words: string;
  change: string;
  signed: boolean;
  max: number;
  bars: Bar[];
}

export interface Cell {
  filled: boolean;
  score: number;
  label: string;
  ratio: string;
  worse: boolean;
  texts: string[];
}

export interface Grid {
  title: string;
  vector: string;
  unit: string;
  words: string;
  columns: string[];
  rows: { name: string; cells: Cell[] }[];
  max: number;
  label: string;
  whole: boolean;
}

/** What can be asked for, in Python's words. */
export interface Settings {
  strengths: Record<string, number>;
  layers: [number, number, number] | null;
  positions: string;
  keep_norm: boolean;
  max_new_tokens: number;
  temperature: number;
  seed: number;
  past: boolean;
}

export interface SteeringPayload extends Picture {
  verdict: Verdict | null;
  complete: boolean;
  prompt: { text: string; note: string; editable: boolean };
  vectors: Vector[];
  setup: string;
  boxes: TextBox[];
  texts: Side[];
  gauges: Gauge[];
  grid: Grid | null;
  preset: Record<string, unknown>;
  settings: Settings;
  /** Set by the view while texts are being written. */
  draft?: boolean;
}

function isVector(value: unknown): boolean {
  return (
    isRecord(value) &&
    [value.name, value.key, value.positive, value.negative, value.label, value.bounds].every(isText) &&
    [value.strength, value.low, value.high].every(isNumber) &&
    isList(value.wide, isNumber) &&
    isList(value.measured, one => isRecord(one) && isNumber(one.strength) && isText(one.words)) &&
    isRecord(value.scale) &&
    isNumber(value.scale.max)
  );
}

function isBox(value: unknown): boolean {
  return (
    isRecord(value) &&
    [value.text, value.name, value.probability].every(isText) &&
    isList(value.tokens, isNumber) &&
    isList(value.parts, isText) &&
    isList(value.scores, isNumber) &&
    isList(value.labels, isText)
  );
}

function isGauge(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.name) &&
    isNumber(value.max) &&
    isList(value.bars, bar => isRecord(bar) && isText(bar.name) && isNumber(bar.value) && isText(bar.label))
  );
}

function isGrid(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.title) &&
    isList(value.columns, isText) &&
    isList(
      value.rows,
      row =>
        isRecord(row) &&
        isText(row.name) &&
        isList(row.cells, cell => isRecord(cell) && isNumber(cell.score) && isList(cell.texts, isText))
    ) &&
    isNumber(value.max)
  );
}

function isSettings(value: unknown): boolean {
  return isRecord(value) && isRecord(value.strengths) && isText(value.positions);
}

/** The payload, or a sentence that says why it cannot be drawn. */
export function readPayload(value: unknown): SteeringPayload | string {
  return readVersion1<SteeringPayload>(
    value,
    'steering',
    payload =>
      isTitle(payload.title) &&
      (payload.verdict === null || isVerdict(payload.verdict)) &&
      isRecord(payload.prompt) &&
      isText(payload.prompt.text) &&
      isList(payload.vectors, isVector) &&
      isText(payload.setup) &&
      isList(payload.boxes, isBox) &&
      isList(payload.texts, side => isRecord(side) && isNumber(side.start) && isNumber(side.end)) &&
      isList(payload.gauges, isGauge) &&
      (payload.grid === null || isGrid(payload.grid)) &&
      isList(payload.provenance, isText) &&
      isText(payload.code) &&
      isSettings(payload.settings)
  );
}

/** A text as far as it is written. */
export interface Step {
  side: number;
  boxes: TextBox[];
  pace: string;
}

export function isStep(value: unknown): value is Step {
  return (
    isRecord(value) &&
    value.kind === 'steering-step' &&
    (value.side === 0 || value.side === 1) &&
    isText(value.pace) &&
    isList(value.boxes, isBox)
  );
}

/** The picture with one text in place of what stood there; the rest is of the last result until there is a new one. */
export function drafted(payload: SteeringPayload, step: Step): SteeringPayload {
  const parts = payload.texts.map((side, at) =>
    at === step.side ? step.boxes : payload.boxes.slice(side.start, side.end)
  );
  let start = 0;
  const texts = payload.texts.map((side, at) => {
    const end = start + (parts[at]?.length ?? 0);
    const moved = { ...side, start, end, pace: at === step.side ? step.pace : side.pace };
    start = end;
    return moved;
  });
  return { ...payload, boxes: parts.flat(), texts, draft: true };
}

/** A strength as Python writes it. */
export function strengthLabel(value: number): string {
  const size = Math.abs(value).toFixed(3);
  return Number(size) === 0 ? '0.000' : `${value > 0 ? '+' : '\u2212'}${size}`;
}
