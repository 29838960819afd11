/** The same numbers as tables: exact effects, the estimates, and which token stands for which. */

import { h, foreign } from '../dom';
import { drawHeatTable } from '../heat';
import { titleText } from '../title';
import { heatOf, wordsOf } from './heat';
import { agreementWords } from './scatter';
import type { PatchPayload, Sheet } from './payload';

export function drawTables(payload: PatchPayload, sheet: Sheet): HTMLElement {
  const ends =
    `${payload.measure}: ${payload.base.label} in the ${payload.base.name} run, ` +
    `${payload.other.label} in the ${payload.other.name} run`;
  const caption = (name: string): string =>
    `${titleText(payload)} Patched: ${sheet.words}. ${name}, ${payload.scale.unit}; ${ends}.`;
  const tables = [drawHeatTable(heatOf(payload, sheet, false), wordsOf(payload), caption('Exact effects'))];
  if (sheet.first !== null) {
    const words = `First-order estimates (${agreementWords(payload)})`;
    tables.push(drawHeatTable(heatOf(payload, sheet, true), wordsOf(payload), caption(words)));
  }
  const [left, right] = payload.runs;
  const rows = (left?.tokens ?? []).map(token =>
    h(
      'tr',
      {},
      h('td', { class: 'iw-name' }, foreign(token.name)),
      h('td', { class: 'iw-name' }, foreign(right?.tokens[token.partner]?.name ?? '–')),
      h('td', {}, token.differs ? 'differs' : '')
    )
  );
  const head = [left?.name ?? '', right?.name ?? '', ''].map(name => h('th', { scope: 'col' }, name));
  return h(
    'div',
    {},
    ...tables,
    h(
      'div',
      {
        class: 'iw-table-box',
        tabindex: 0,
        role: 'region',
        'aria-label': 'Both prompts',
        'data-iw': 'pairs-table'
      },
      h('table', { class: 'iw-table' }, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows))
    )
  );
}
