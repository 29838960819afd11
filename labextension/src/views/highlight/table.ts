/** The same numbers as a table, for those who read better that way. */

import { h, foreign, append } from '../dom';
import { titleText } from '../title';
import { runs } from '../lines';
import type { HighlightPayload } from './payload';

export function drawTable(payload: HighlightPayload): HTMLElement {
  const labels = new Map<number, string>();
  for (const run of runs(payload)) {
    if (run.label !== null) {
      for (let index = run.start; index < run.end; index += 1) {
        labels.set(index, run.label);
      }
    }
  }
  const turns = labels.size > 0;
  const rows = payload.boxes.map((box, index) => {
    const name = h('td', { class: 'iw-name' }, foreign(box.name));
    if (box.parts.length > 0) {
      const parts = h('span', { class: 'iw-parts' });
      box.parts.forEach((part, at) => append(parts, [at > 0 && ', ', foreign(part.name), ` ${part.label}`]));
      name.append(' ', parts);
    }
    return h(
      'tr',
      { 'data-iw': 'row', 'data-index': index },
      h('td', { class: 'iw-number' }, box.tokens.map(token => String(token)).join(', ')),
      turns && h('td', {}, labels.get(index) ?? ''),
      name,
      h('td', { class: 'iw-number' }, box.label)
    );
  });
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
      { class: 'iw-table' },
      h('caption', { class: 'iw-sr' }, titleText(payload)),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col', class: 'iw-number' }, 'Position'),
          turns && h('th', { scope: 'col' }, 'Turn'),
          h('th', { scope: 'col' }, 'Token'),
          h('th', { scope: 'col', class: 'iw-number' }, `Score, ${payload.scale.unit}`)
        )
      ),
      h('tbody', {}, ...rows)
    )
  );
}
