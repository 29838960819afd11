/** The strongest tokens as a list of bars, which is also the way through a long prompt. */

import { h, button, foreign } from '../dom';
import { roveColumn } from '../keys';
import { share, side } from '../tokens';
import type { HighlightPayload } from './payload';

/** Indices of the boxes with the largest absolute scores, largest first; of equals the earlier one. */
export function strongest(payload: HighlightPayload, count: number): number[] {
  return payload.boxes
    .map((box, index) => ({ index, size: Math.abs(box.score) }))
    .filter(item => item.size > 0)
    .sort((a, b) => b.size - a.size || a.index - b.index)
    .slice(0, count)
    .map(item => item.index);
}

/** Draws the list; a click leads to the token in the text. */
export function drawStrongest(
  payload: HighlightPayload,
  count: number,
  go: (index: number) => void
): HTMLElement {
  const rows = strongest(payload, count).map(index => {
    const box = payload.boxes[index];
    if (box === undefined) {
      return h('button', { hidden: true });
    }
    const bar = h('span', { class: `iw-bar iw-${side(box.score)}`, 'aria-hidden': 'true' });
    bar.style.setProperty('--w', `${(share(box.score, payload.scale.max) * 100).toFixed(2)}%`);
    const row = button(
      {
        class: 'iw-row',
        'data-iw': 'strong',
        'data-index': index,
        'aria-label': `${box.name} ${box.label} ${payload.scale.unit}, show in the text`
      },
      foreign(box.name, { class: 'iw-name', title: box.name }),
      () => go(index)
    );
    row.append(h('span', { class: 'iw-track' }, bar), h('span', { class: 'iw-number' }, box.label));
    return row;
  });
  roveColumn(rows);
  return h(
    'div',
    { class: 'iw-list', role: 'group', 'aria-label': 'Strongest tokens', 'data-iw': 'strongest' },
    h('div', { class: 'iw-heading' }, 'Strongest tokens'),
    ...(rows.length > 0 ? rows : [h('span', { class: 'iw-dim' }, 'All scores are zero.')])
  );
}
