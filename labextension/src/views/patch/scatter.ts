/** Exact effects against predicted ones, a dot for each cell: on the line the estimate is right. */

import { h } from '../dom';
import type { Cells, PatchPayload, Sheet } from './payload';

/** Dots beyond which a page becomes slow; of more the largest by either are drawn. */
const MOST = 600;

/** Cells where both are known: [predicted, exact]. */
export function pairsOf(exact: Cells, first: Cells): [number, number][] {
  const found: [number, number][] = [];
  exact.values.forEach((line, row) =>
    line.forEach((value, column) => {
      const guess = first.values[row]?.[column] ?? null;
      if (value !== null && guess !== null) {
        found.push([guess, value]);
      }
    })
  );
  return found;
}

/** What the correlation is, in words. */
export function agreementWords(payload: PatchPayload): string {
  const agreement = payload.agreement;
  if (agreement === null) {
    return '';
  }
  return agreement.pearson === null
    ? `first-order estimate against exact patching: no correlation can be told on ${agreement.cells}`
    : `first-order estimate against exact patching on ${agreement.cells}: correlation ${agreement.pearson}, ` +
        `of ranks ${agreement.spearman ?? ''}`;
}

export function drawScatter(payload: PatchPayload, sheet: Sheet): HTMLElement | null {
  if (sheet.first === null || payload.agreement === null) {
    return null;
  }
  const size = ([x, y]: [number, number]): number => Math.max(Math.abs(x), Math.abs(y));
  const pairs = pairsOf(sheet.exact, sheet.first);
  const largest = Math.max(0, ...pairs.map(size));
  const place = (value: number): string => `${(50 + (largest > 0 ? value / largest : 0) * 48).toFixed(2)}%`;
  const dots = [...pairs]
    .sort((a, b) => size(b) - size(a))
    .slice(0, MOST)
    .map(([x, y]) => {
      const dot = h('i', { class: 'iw-dot' });
      dot.style.setProperty('left', place(x));
      dot.style.setProperty('bottom', place(y));
      return dot;
    });
  const words = agreementWords(payload);
  return h(
    'div',
    { class: 'iw-scatter-part', 'data-iw': 'scatter' },
    h(
      'div',
      {
        class: 'iw-scatter',
        role: 'img',
        'aria-label': `${sheet.name}: ${words}. The table has the numbers.`
      },
      h('i', { class: 'iw-diagonal' }),
      h('i', { class: 'iw-level' }),
      h('i', { class: 'iw-upright-line' }),
      ...dots
    ),
    h(
      'div',
      { class: 'iw-dim iw-scatter-words' },
      h('div', {}, 'Across: first-order estimate. Up: exact effect. On the slanted line both are equal.'),
      h('div', { 'data-iw': 'agreement' }, words),
      pairs.length > MOST ? h('div', {}, `The ${MOST} largest of ${pairs.length} cells are drawn.`) : null
    )
  );
}
