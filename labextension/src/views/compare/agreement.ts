/** How far the methods agree: their rank correlations as a small table, and the tokens on which they differ most. */

import { h, button, foreign } from '../dom';
import { roveColumn } from '../keys';
import type { ComparePayload } from './payload';

/** A table of rank correlations: darker is closer, the number stands in the cell. */
export function drawAgreement(payload: ComparePayload): HTMLElement {
  const names = payload.methods.map(method => method.label);
  const head = h(
    'tr',
    {},
    h('th', { scope: 'col' }, h('span', { class: 'iw-sr' }, 'method')),
    ...names.map((name, at) =>
      h('th', { scope: 'col', title: name, 'aria-label': name, class: 'iw-numbered' }, String(at + 1))
    )
  );
  const rows = payload.agreement.map((cells, row) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row', title: names[row] ?? '' }, `${row + 1} ${names[row] ?? ''}`),
      ...cells.map(({ value, label }) => {
        const cell = h('td', { class: 'iw-correlation', 'data-iw': 'correlation' }, label);
        cell.style.setProperty('--s', Math.max(0, value ?? 0).toFixed(3));
        return cell;
      })
    )
  );
  return h(
    'div',
    { class: 'iw-list', 'data-iw': 'agreement' },
    h('div', { class: 'iw-heading' }, 'Rank correlation'),
    h(
      'div',
      { class: 'iw-small-box', tabindex: 0, role: 'region', 'aria-label': 'Rank correlation of the methods' },
      h('table', { class: 'iw-small' }, h('thead', {}, head), h('tbody', {}, ...rows))
    )
  );
}

/** The tokens on whose rank the methods differ most; a click leads to the token. */
export function drawDiffer(payload: ComparePayload, go: (index: number) => void): HTMLElement {
  const rows = payload.differ.map(({ index, name, sentence }) => {
    const parts = [
      foreign(name, { class: 'iw-name', title: name }),
      h('span', { class: 'iw-dim' }, sentence)
    ];
    if (index === null) {
      return h('div', { class: 'iw-differ' }, ...parts);
    }
    const row = button(
      {
        class: 'iw-differ',
        'data-iw': 'differ',
        'data-index': index,
        'aria-label': `${name}: ${sentence}, show in the text`
      },
      null,
      () => go(index)
    );
    row.append(...parts);
    return row;
  });
  roveColumn(rows.filter(row => row.tagName === 'BUTTON'));
  return h(
    'div',
    {
      class: 'iw-list',
      role: 'group',
      'aria-label': 'Where the methods differ most',
      'data-iw': 'differing'
    },
    h('div', { class: 'iw-heading' }, 'Where the methods differ most'),
    ...(rows.length > 0 ? rows : [h('span', { class: 'iw-dim' }, 'All methods rank the tokens alike.')])
  );
}
