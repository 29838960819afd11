/** The same numbers as a table, for those who read better that way: late layers above, as in the picture. */

import { h, foreign } from '../dom';
import { titleText } from '../title';
import { word } from './payload';
import type { LensPayload } from './payload';

export function drawTable(payload: LensPayload): HTMLElement {
  const rows = [...payload.rows]
    .reverse()
    .map(row =>
      h(
        'tr',
        { 'data-iw': 'row', 'data-index': row.layer },
        h('th', { scope: 'row', class: 'iw-number' }, String(row.layer)),
        ...row.cells.map(cell =>
          cell === null
            ? h('td', {}, '–')
            : h(
                'td',
                {},
                foreign(word(payload, cell.ids[0] ?? 0), { class: 'iw-name' }),
                ` ${cell.labels[0] ?? ''}`
              )
        )
      )
    );
  return h(
    'div',
    {
      class: 'iw-table-box',
      tabindex: 0,
      role: 'region',
      'aria-label': 'Best token after each layer, as a table',
      'data-iw': 'table'
    },
    h(
      'table',
      { class: 'iw-table iw-wide-table' },
      h('caption', { class: 'iw-caption' }, `${titleText(payload)} Best token and its probability`),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col', class: 'iw-number' }, 'Layer'),
          ...payload.boxes.map(box => h('th', { scope: 'col' }, foreign(box.name, { class: 'iw-name' })))
        )
      ),
      h('tbody', {}, ...rows)
    )
  );
}
