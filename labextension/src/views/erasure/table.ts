/** The table twin: every number of the picture. */

import { h, foreign } from '../dom';
import { titleText } from '../title';
import { damageRows } from './damage';
import { STAGE_WORDS } from './payload';
import type { ErasurePayload, Place } from './payload';

type Cell = Node | string;

function table(
  hook: string,
  caption: string,
  head: readonly string[],
  rows: readonly Cell[][]
): HTMLElement | null {
  return rows.length === 0
    ? null
    : h(
        'table',
        { class: 'iw-table', 'data-iw': hook },
        h('caption', { class: 'iw-table-name' }, caption),
        h('thead', {}, h('tr', {}, ...head.map(name => h('th', { scope: 'col' }, name)))),
        h(
          'tbody',
          {},
          ...rows.map(row => h('tr', { 'data-iw': 'row' }, ...row.map(cell => h('td', {}, cell))))
        )
      );
}

/** Method, round, dimensions taken, share right. */
export function roundRows(payload: ErasurePayload): string[][] {
  const { rounds } = payload;
  if (rounds === null) {
    return [];
  }
  const rows = rounds.steps.map(({ rank, label }, at) => ['INLP', String(at), String(rank), label]);
  const { single } = rounds;
  return single === null ? rows : [...rows, [single.probe, 'one step', String(single.rank), single.label]];
}

export function drawTable(payload: ErasurePayload, place: Place): HTMLElement {
  const probes = payload.places.flatMap(({ name, bars }) =>
    bars.map(bar => [name, bar.probe, STAGE_WORDS[bar.stage], bar.label, bar.interval])
  );
  const taken = payload.places.map(({ name, rank, change, random }) => [name, rank, change, random]);
  const points = payload.boxes.map(point => [
    foreign(point.name, { class: 'iw-name' }),
    foreign(payload.classes[point.class] ?? ''),
    ...point.labels,
    foreign(point.text)
  ]);
  return h(
    'div',
    {
      class: 'iw-table-box',
      tabindex: 0,
      role: 'region',
      'aria-label': `${titleText(payload)} As tables`,
      'data-iw': 'table'
    },
    table(
      'probes-table',
      'Probes',
      ['Place', 'Probe', 'Stage', 'Right', '95 % interval'],
      [...probes, ['', 'always one class', '', payload.majority.label, '']]
    ),
    table(
      'taken-table',
      'What is taken',
      ['Place', 'Taken', 'Size of the change', 'Of the random one'],
      taken
    ),
    table(
      'rounds-table',
      'Rounds of INLP',
      ['Method', 'Round', 'Dimensions', 'Next classifier right'],
      roundRows(payload)
    ),
    table('damage-table', 'Damage', ['', 'Before', 'After', 'Random directions'], damageRows(payload, place)),
    table(
      'points-table',
      'Points',
      ['Token', 'Class', 'On the concept’s axis before', 'After', 'Text'],
      points
    )
  );
}
