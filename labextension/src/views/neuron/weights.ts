/** The tokens that the neuron's output weight promotes and demotes, as two lists of bars. */

import { h, foreign } from '../dom';
import { share, side } from '../tokens';
import type { NeuronPayload, Promoted } from './payload';

export function drawWeights(payload: NeuronPayload): HTMLElement {
  const { promoted, demoted } = payload;
  const max = Math.max(0, ...[...promoted, ...demoted].map(token => Math.abs(token.value)));
  const list = (name: string, hook: string, tokens: Promoted[]): HTMLElement =>
    h(
      'div',
      { class: 'iw-list', role: 'list', 'aria-label': name, 'data-iw': hook },
      h('div', { class: 'iw-heading', 'aria-hidden': 'true' }, name),
      ...tokens.map(token => {
        const bar = h('span', { class: `iw-bar iw-${side(token.value)}`, 'aria-hidden': 'true' });
        bar.style.setProperty('--w', `${(share(token.value, max) * 100).toFixed(2)}%`);
        return h(
          'div',
          { class: 'iw-row', role: 'listitem' },
          foreign(token.name, { class: 'iw-name', title: token.name }),
          h('span', { class: 'iw-track' }, bar),
          h('span', { class: 'iw-number' }, token.label)
        );
      })
    );
  return h(
    'div',
    { class: 'iw-weights' },
    h('p', { class: 'iw-lead' }, payload.weights),
    h(
      'div',
      { class: 'iw-lists' },
      list('Promotes', 'promoted', promoted),
      list('Demotes', 'demoted', demoted)
    )
  );
}
