/** The same numbers as tables: effects, and next tokens of the runs. */

import { h, foreign } from '../dom';
import { drawHeatTable } from '../heat';
import { titleText } from '../title';
import { WORDS, heatOf } from './heat';
import type { Run } from '../nextTokens';
import type { Sheet, TracePayload } from './payload';

export function drawTable(payload: TracePayload, sheet: Sheet, runs: readonly Run[]): HTMLElement {
  const caption =
    `${titleText(payload)} Restored: ${sheet.words}. ` +
    `Effect on the ${payload.scale.unit}, from ${payload.corrupted} in the corrupted runs; clean ${payload.clean}.`;
  const rows = runs.flatMap(run =>
    run.items.map(([name, label]) =>
      h(
        'tr',
        {},
        h('td', {}, run.name),
        h('td', { class: 'iw-name' }, foreign(name)),
        h('td', { class: 'iw-number' }, label)
      )
    )
  );
  const head = ['Run', 'Next token', 'Probability'].map((name, at) =>
    h('th', { scope: 'col', class: at === 2 ? 'iw-number' : null }, name)
  );
  return h(
    'div',
    {},
    drawHeatTable(heatOf(payload, sheet), WORDS, caption),
    h(
      'div',
      {
        class: 'iw-table-box',
        tabindex: 0,
        role: 'region',
        'aria-label': 'Next tokens',
        'data-iw': 'runs-table'
      },
      h('table', { class: 'iw-table' }, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows))
    )
  );
}
