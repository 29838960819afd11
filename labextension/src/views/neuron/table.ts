/** The same numbers as tables, for those who read better that way. */

import { h, foreign } from '../dom';
import { titleText } from '../title';
import type { Child } from '../dom';
import type { NeuronPayload } from './payload';

interface Column {
  name: string;
  number?: boolean;
}

function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly Child[][],
  hook: string
): HTMLElement {
  const style = (at: number): string | null => (columns[at]?.number === true ? 'iw-number' : null);
  return h(
    'table',
    { class: 'iw-table', 'data-iw': hook },
    h('caption', { class: 'iw-sr' }, caption),
    h(
      'thead',
      {},
      h('tr', {}, ...columns.map((column, at) => h('th', { scope: 'col', class: style(at) }, column.name)))
    ),
    h(
      'tbody',
      {},
      ...rows.map(cells => h('tr', {}, ...cells.map((cell, at) => h('td', { class: style(at) }, cell))))
    )
  );
}

export function drawTable(payload: NeuronPayload): HTMLElement {
  const name = (text: string): HTMLElement => foreign(text, { class: 'iw-name' });
  const texts = table(
    titleText(payload),
    [
      { name: 'Rank', number: true },
      { name: 'Peak', number: true },
      { name: 'At' },
      { name: 'Share', number: true },
      { name: 'Text' }
    ],
    payload.boxes.map(entry => [
      entry.rank,
      entry.peak.label,
      name(entry.peak.name),
      entry.share ?? '',
      foreign(entry.words.map(word => word.text).join(''))
    ]),
    'table-texts'
  );
  const { histogram } = payload;
  const bars =
    histogram !== null &&
    table(
      histogram.words,
      [
        { name: 'Activation', number: true },
        { name: 'Tokens', number: true },
        { name: 'Region of the peaks' }
      ],
      histogram.bars.map(bar => [bar.name, bar.label, bar.top ? 'yes' : '']),
      'table-histogram'
    );
  const weights =
    payload.promoted.length > 0 &&
    table(
      payload.weights,
      [
        { name: 'Promotes' },
        { name: 'Logit', number: true },
        { name: 'Demotes' },
        { name: 'Logit', number: true }
      ],
      payload.promoted.map((token, at) => {
        const down = payload.demoted[at];
        return [name(token.name), token.label, down === undefined ? '' : name(down.name), down?.label ?? ''];
      }),
      'table-weights'
    );
  return h(
    'div',
    {
      class: 'iw-table-box',
      tabindex: 0,
      role: 'region',
      'aria-label': 'Activations as tables',
      'data-iw': 'table'
    },
    texts,
    bars,
    weights
  );
}
