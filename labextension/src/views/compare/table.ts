/** The same numbers as a table, for those who read better that way. */

import { h, foreign } from '../dom';
import { titleText } from '../title';
import type { ComparePayload } from './payload';

export function drawTable(payload: ComparePayload): HTMLElement {
  const rows = payload.boxes.map((box, index) =>
    h(
      'tr',
      { 'data-iw': 'row', 'data-index': index },
      h('td', { class: 'iw-number' }, box.tokens.join(', ')),
      h('td', { class: 'iw-name' }, foreign(box.name)),
      ...payload.methods.map(method =>
        h(
          'td',
          { class: 'iw-number' },
          `${method.labels[index] ?? ''} `,
          h('span', { class: 'iw-dim' }, `#${method.ranks[index] ?? 0}`)
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
      'aria-label': 'Scores and ranks as a table',
      'data-iw': 'table'
    },
    h(
      'table',
      { class: 'iw-table' },
      h('caption', { class: 'iw-sr' }, `${titleText(payload)} Score and rank by each method`),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col', class: 'iw-number' }, 'Position'),
          h('th', { scope: 'col' }, 'Token'),
          ...payload.methods.map(method =>
            h('th', { scope: 'col', class: 'iw-number' }, `${method.label}, ${method.scale.unit}`)
          )
        )
      ),
      h('tbody', {}, ...rows)
    )
  );
}
