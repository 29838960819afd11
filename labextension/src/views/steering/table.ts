/** The same numbers as a table, for those who read better that way. */

import { h, foreign } from '../dom';
import { titleText } from '../title';
import type { SteeringPayload } from './payload';

export function drawTable(payload: SteeringPayload): HTMLElement {
  const rows = payload.texts.flatMap(side =>
    payload.boxes
      .slice(side.start, side.end)
      .map((box, at) =>
        h(
          'tr',
          { 'data-iw': 'row', 'data-index': side.start + at },
          h('td', {}, side.name),
          h('td', { class: 'iw-name' }, foreign(box.name)),
          h('td', { class: 'iw-number' }, box.probability),
          ...payload.vectors.map((_, vector) => h('td', { class: 'iw-number' }, box.labels[vector] ?? '')),
          h('td', {}, box.differs ? 'differs' : '')
        )
      )
  );
  return h(
    'div',
    {
      class: 'iw-table-box',
      tabindex: 0,
      role: 'region',
      'aria-label': 'Tokens as a table',
      'data-iw': 'table'
    },
    h(
      'table',
      { class: 'iw-table' },
      h('caption', { class: 'iw-sr' }, titleText(payload)),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col' }, 'Text'),
          h('th', { scope: 'col' }, 'Token'),
          h('th', { scope: 'col', class: 'iw-number' }, 'Probability'),
          ...payload.vectors.map(vector =>
            h('th', { scope: 'col', class: 'iw-number' }, foreign(vector.name))
          ),
          h('th', { scope: 'col' }, h('span', { class: 'iw-sr' }, 'difference'))
        )
      ),
      h('tbody', {}, ...rows)
    )
  );
}
