/** A heat map's numbers as a table, for those who read better that way. */

import { h, foreign } from '../dom';
import type { Heat, HeatWords } from './map';

/** `caption` says what the numbers are. */
export function drawHeatTable(heat: Heat, words: HeatWords, caption: string): HTMLElement {
  const rows = heat.rows.map((row, at) =>
    h(
      'tr',
      { 'data-iw': 'row', 'data-index': at },
      h(
        'th',
        { scope: 'row', class: 'iw-name' },
        foreign(row.name),
        row.note === null ? '' : ` ${row.note}`,
        row.mark === null ? '' : ` (${row.mark})`
      ),
      ...heat.columns.map((_, column) =>
        h(
          'td',
          { class: 'iw-number' },
          (heat.values[at]?.[column] ?? null) === null ? '–' : (heat.labels[at]?.[column] ?? '')
        )
      )
    )
  );
  const table = h(
    'div',
    { class: 'iw-table-box', tabindex: 0, role: 'region', 'aria-label': words.label, 'data-iw': 'table' },
    h(
      'table',
      { class: 'iw-table iw-wide-table' },
      h('caption', { class: 'iw-sr' }, caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col' }, words.row),
          ...heat.columns.map(name =>
            h('th', { scope: 'col', class: 'iw-number', 'aria-label': `${words.column} ${name}` }, name)
          )
        )
      ),
      h('tbody', {}, ...rows)
    )
  );
  // Above what scrolls: a caption as wide as the table would be cut.
  return h('div', {}, h('div', { class: 'iw-caption', 'aria-hidden': 'true' }, caption), table);
}
