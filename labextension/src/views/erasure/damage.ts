/** What erasing costs, beside what the same in random directions costs. */

import { h } from '../dom';
import type { ErasurePayload, Place } from './payload';

/** Rows of cells: what, before, after, random. */
export function damageRows(payload: ErasurePayload, place: Place): string[][] {
  const measured = payload.damage.map(({ name, labels, intervals }) => [
    name,
    ...labels.map((label, at) => (intervals[at] ? `${label} (${intervals[at]})` : label))
  ]);
  return [...measured, [`size of the change at ${place.name}`, '', place.change, place.random]];
}

export function drawDamage(payload: ErasurePayload, place: Place): HTMLElement {
  const head = ['Damage', 'before', 'after', 'random'];
  return h(
    'div',
    { class: 'iw-erasure-damage', 'data-iw': 'damage' },
    h(
      'table',
      { class: 'iw-table' },
      h('thead', {}, h('tr', {}, ...head.map(name => h('th', { scope: 'col' }, name)))),
      h(
        'tbody',
        {},
        ...damageRows(payload, place).map(([name = '', ...cells]) =>
          h(
            'tr',
            { 'data-iw': 'damage-row' },
            h('th', { scope: 'row' }, name),
            ...cells.map(cell => h('td', {}, cell === '' ? '–' : cell))
          )
        )
      )
    )
  );
}
