/** The two heat maps: what is lost without each head, and where one head looks; and how a cell of each is read. */

import { h, foreign } from '../dom';
import { drawHeatLegend } from '../heat';
import { side } from '../tokens';
import { outcome, shareText } from './payload';
import type { Heat, HeatWords, Place } from '../heat';
import type { HeadsPayload, Pattern } from './payload';

export const WORDS: HeatWords = { label: 'Loss without each head', row: 'head', column: 'layer' };
export const LOOKS: HeatWords = {
  label: 'Attention: each row is what a token looks at',
  row: 'token',
  column: 'looks at',
  none: 'comes later, so it is not seen'
};

export function heatOf({ rows, columns, values, labels, scale }: HeadsPayload): Heat {
  return { rows, columns, values, labels, max: scale.max };
}

/** Attention is a share, so its scale is 1. */
export function patternHeat(payload: HeadsPayload, { keys, lines }: Pattern): Heat {
  const within = (line: readonly number[], at: number): number | null => line[at] ?? null;
  return {
    rows: payload.queries.map(query => ({ name: payload.tokens[query] ?? '', mark: null, note: null })),
    columns: keys.map(key => payload.tokens[key] ?? ''),
    values: lines.map(line =>
      keys.map((_, at) => (within(line, at) === null ? null : (line[at] ?? 0) / 1000))
    ),
    labels: lines.map(line =>
      keys.map((_, at) => (within(line, at) === null ? '' : shareText(line[at] ?? 0)))
    ),
    max: 1
  };
}

const dim = (text: string): HTMLElement => h('span', { class: 'iw-dim' }, text);

/** "head 4, layer 23: 0.36 → 0.05 probability of ·Sydney; loses 1.91 log-probability; first choice ·New 0.18". */
export function headParts(payload: HeadsPayload, { row, column }: Place): (Node | string)[] {
  const name = h(
    'span',
    { class: 'iw-name' },
    `${payload.rows[row]?.name ?? ''}, layer ${payload.columns[column] ?? ''}:`
  );
  const value = payload.values[row]?.[column] ?? null;
  if (value === null) {
    return [name, dim('was not switched off')];
  }
  return [
    name,
    h(
      'span',
      { class: 'iw-value' },
      `${payload.before.read} → `,
      h('b', { class: `iw-ink-${side(value)}` }, payload.reads[row]?.[column] ?? '')
    ),
    dim(payload.quantity),
    h(
      'span',
      { class: 'iw-parts' },
      `loss without it ${payload.labels[row]?.[column] ?? ''} ${payload.scale.unit}; first choice then: `,
      foreign(outcome(payload, row, column))
    )
  ];
}

/** "·is attends 0.92 to ·Australia". */
export function lookParts(
  payload: HeadsPayload,
  pattern: Pattern,
  { row, column }: Place
): (Node | string)[] {
  const query = foreign(payload.tokens[payload.queries[row] ?? 0] ?? '', { class: 'iw-name' });
  const key = foreign(payload.tokens[pattern.keys[column] ?? 0] ?? '', { class: 'iw-name' });
  const weight = pattern.lines[row]?.[column];
  return weight === undefined
    ? [query, dim('cannot see'), key, dim('which comes later')]
    : [query, dim('attends'), h('b', { class: 'iw-value' }, shareText(weight)), dim('to'), key];
}

/** What the last token looks at most: read while nothing is pointed at. */
export function strongestLook({ lines }: Pattern): Place {
  const row = Math.max(0, lines.length - 1);
  const line = lines[row] ?? [];
  return { row, column: Math.max(0, line.indexOf(Math.max(0, ...line))) };
}

export function drawLegend(payload: HeadsPayload): HTMLElement {
  if (!payload.measured) {
    return h('div', { class: 'iw-legend', 'data-iw': 'legend' }, 'No head was switched off.');
  }
  return drawHeatLegend(heatOf(payload), payload.scale.label, [
    `loss in ${payload.scale.unit}: the ${payload.quantity}, with a head set to ${payload.stand_in}`,
    'above zero the head supports the answer; below zero (hatched) the answer gains without it'
  ]);
}
