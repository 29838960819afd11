/** A site's effects as a heat map, its readout and its legend. */

import { h, foreign } from '../dom';
import { drawHeatLegend } from '../heat';
import { side } from '../tokens';
import type { Heat, HeatWords, Place } from '../heat';
import type { PatchPayload, Sheet } from './payload';

export function wordsOf(payload: PatchPayload): HeatWords {
  return { label: `Effects of patching, by ${payload.row} and layer`, row: payload.row, column: 'layer' };
}

export function heatOf(payload: PatchPayload, sheet: Sheet, first: boolean): Heat {
  const { rows, columns, scale } = payload;
  const { values, labels } = first && sheet.first !== null ? sheet.first : sheet.exact;
  return { rows, columns, values, labels, max: scale.max };
}

/** "osseum, layer 5: −2.00 → 2.10, effect +0.82; first-order estimate +0.70". */
export function cellParts(
  payload: PatchPayload,
  sheet: Sheet,
  first: boolean,
  { row, column }: Place
): (Node | string | null)[] {
  const own = payload.rows[row];
  const shown = first && sheet.first !== null ? sheet.first : sheet.exact;
  const other = shown === sheet.exact ? sheet.first : sheet.exact;
  const value = shown.values[row]?.[column] ?? null;
  const effect = (cells: typeof shown | null): string | null =>
    (cells?.values[row]?.[column] ?? null) === null ? null : (cells?.labels[row]?.[column] ?? '');
  const names = first ? ['first-order estimate', 'exact'] : ['exact', 'first-order estimate'];
  const told = [effect(shown), effect(other)]
    .map((label, at) => (label === null ? null : `${names[at] ?? ''} ${label}`))
    .filter(label => label !== null);
  return [
    foreign(own?.name ?? '', { class: 'iw-name' }),
    own?.note ? foreign(own.note, { class: 'iw-dim iw-name' }) : null,
    h('span', {}, `layer ${payload.columns[column] ?? ''}:`),
    value === null
      ? h('span', { class: 'iw-dim' }, 'not measured')
      : h(
          'span',
          { class: 'iw-value' },
          `${payload.base.label} → `,
          h('b', { class: `iw-ink-${side(value)}` }, shown.reads[row]?.[column] ?? '')
        ),
    h('span', { class: 'iw-dim' }, `${payload.other.name} run ${payload.other.label}`),
    h(
      'span',
      { class: 'iw-parts' },
      told.length === 0
        ? 'no token stands for this one'
        : `effect: ${told.join('; ')} (${payload.scale.unit})`
    )
  ];
}

export function drawLegend(payload: PatchPayload, sheet: Sheet, first: boolean): HTMLElement {
  const lines = [
    `effect: ${payload.scale.unit}; deepest: the largest of all tabs`,
    `followed: ${payload.measure}`,
    `patched: ${sheet.words}${payload.where === null ? '' : `, ${payload.where}`}`
  ];
  if (first && payload.beyond !== null) {
    lines.push(`estimates reach ${payload.beyond}, past the scale`);
  }
  if (payload.rows.some(row => row.mark !== null)) {
    lines.push('bold, with a line: the token differs between the prompts');
  }
  return drawHeatLegend(heatOf(payload, sheet, first), payload.scale.label, lines);
}
