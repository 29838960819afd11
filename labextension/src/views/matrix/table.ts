/** The same numbers as a table, for those who read better that way. */

import { h, foreign } from '../dom';
import { titleText } from '../title';
import { columnsOf } from './payload';
import type { MatrixPayload } from './payload';

export function drawTable(payload: MatrixPayload): HTMLElement {
  const columns = columnsOf(payload);
  const name = (box: number): string => payload.boxes[box]?.name ?? '';
  const rows = payload.rows.map(row =>
    h(
      'tr',
      { 'data-iw': 'row', 'data-index': row.box },
      h('td', { class: 'iw-name' }, foreign(name(row.box))),
      h('td', { class: 'iw-number' }, row.label),
      h('td', { class: 'iw-number' }, row.entropy),
      h('td', {}, foreign(row.runner.name, { class: 'iw-name' }), ` ${row.runner.label}`),
      ...columns.map(box => h('td', { class: 'iw-number' }, row.labels[box] ?? ''))
    )
  );
  return h(
    'div',
    {
      class: 'iw-table-box',
      tabindex: 0,
      role: 'region',
      'aria-label': 'Scores as a table',
      'data-iw': 'table'
    },
    h(
      'table',
      { class: 'iw-table iw-wide-table' },
      h('caption', { class: 'iw-sr' }, `${titleText(payload)} Scores in ${payload.scale.unit}`),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col' }, 'Token'),
          h('th', { scope: 'col', class: 'iw-number' }, 'Probability'),
          h('th', { scope: 'col', class: 'iw-number' }, 'Entropy'),
          h('th', { scope: 'col' }, 'Next best'),
          ...columns.map(box => h('th', { scope: 'col', class: 'iw-number' }, foreign(name(box))))
        )
      ),
      h('tbody', {}, ...rows)
    )
  );
}
