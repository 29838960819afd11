/** A trace's sheet as a heat map, its readout and its legend. */

import { h, foreign } from '../dom';
import { drawHeatLegend } from '../heat';
import { side } from '../tokens';
import type { Heat, HeatWords, Place } from '../heat';
import type { Sheet, TracePayload } from './payload';

export const WORDS: HeatWords = {
  label: 'Effects of restoring, by token and layer',
  row: 'token',
  column: 'layer'
};

export function heatOf(payload: TracePayload, sheet: Sheet): Heat {
  const { rows, columns, scale } = payload;
  return { rows, columns, values: sheet.values, labels: sheet.labels, max: scale.max };
}

/** "iffel, layer 5: 0.02 → 0.49 of 0.70 effect +0.47 ± 0.06". */
export function cellParts(payload: TracePayload, sheet: Sheet, { row, column }: Place): (Node | string)[] {
  const value = sheet.values[row]?.[column] ?? 0;
  const spread = sheet.spreads?.[row]?.[column];
  const of = (text: string): HTMLElement => h('span', { class: 'iw-dim' }, text);
  return [
    foreign(payload.rows[row]?.name ?? '', { class: 'iw-name' }),
    h('span', {}, `layer ${payload.columns[column] ?? ''}:`),
    h(
      'span',
      { class: 'iw-value' },
      `${payload.corrupted} → `,
      h('b', { class: `iw-ink-${side(value)}` }, sheet.reads[row]?.[column] ?? '')
    ),
    of(`of ${payload.clean}`),
    h(
      'span',
      { class: 'iw-parts' },
      `effect ${sheet.labels[row]?.[column] ?? ''}` +
        (spread === undefined ? ', one sample: no interval' : ` ± ${spread} (95 % over ${payload.samples})`) +
        (sheet.after[row]?.[column] === null ? '; nothing changes here' : '')
    )
  ];
}

export function drawLegend(payload: TracePayload, sheet: Sheet): HTMLElement {
  return drawHeatLegend(heatOf(payload, sheet), payload.scale.label, [
    `effect on the ${payload.scale.unit}; deepest: the largest of all tabs`,
    `restored: ${sheet.words}`,
    'bold, with a line: the subject, whose embeddings are corrupted'
  ]);
}
