/** The same numbers as tables: texts, next tokens, checks, sizes. */

import { h, foreign } from '../dom';
import { titleText } from '../title';
import { ROLES, hasSum } from './payload';
import type { EditPayload, Sample } from './payload';

function table(hook: string, caption: string, head: readonly string[], rows: readonly (Node | string)[][]) {
  return h(
    'table',
    { class: 'iw-table', 'data-iw': hook },
    h('caption', { class: 'iw-edit-name' }, caption),
    h('thead', {}, h('tr', {}, ...head.map(name => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, ...rows.map(row => h('tr', { 'data-iw': 'row' }, ...row.map(cell => h('td', {}, cell)))))
  );
}

/** A continuation as text. */
export function textOf(payload: EditPayload, sample: Sample, side: number): string {
  const { start = 0, end = 0 } = sample.texts[side] ?? {};
  return payload.boxes
    .slice(start, end)
    .map(box => box.text)
    .join('');
}

export function drawTable(payload: EditPayload): HTMLElement {
  const named = (name: string): HTMLElement => foreign(name, { class: 'iw-name' });
  const written = payload.samples.map(sample => [
    foreign(sample.prompt),
    foreign(textOf(payload, sample, 0)),
    foreign(textOf(payload, sample, 1))
  ]);
  const next = payload.samples.flatMap(sample =>
    sample.next.map(one => [
      foreign(sample.prompt),
      named(one.name),
      one.before,
      one.after,
      one.role === null ? '' : ROLES[one.role]
    ])
  );
  const checks = payload.groups.flatMap(group => [
    ...(hasSum(group) ? [[group.words, group.before, group.after, `${group.mark} ${group.word}`]] : []),
    ...group.rows.map(row => [
      foreign(row.prompt),
      h('span', {}, named(row.before.name), ` ${row.before.label}`),
      h('span', {}, named(row.after.name), ` ${row.after.label}`),
      `${row.mark} ${row.word}`
    ])
  ]);
  const sizes = payload.changes.map(one => [one.name, one.label]);
  return h(
    'div',
    {
      class: 'iw-table-box',
      tabindex: 0,
      role: 'region',
      'aria-label': `${titleText(payload)} As tables`,
      'data-iw': 'table'
    },
    ...[
      table('texts-table', 'What is written', ['Prompt', 'Before', 'After'], written),
      table('next-table', 'Next tokens', ['Prompt', 'Token', 'Before', 'After', ''], next),
      table('checks-table', 'Checks', ['Check', 'Before', 'After', ''], checks),
      table('sizes-table', 'Weights changed', ['Where', 'Of their norm'], sizes)
    ].filter((_, at) => [written, next, checks, sizes][at]?.length !== 0)
  );
}
