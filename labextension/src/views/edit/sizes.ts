/** How large the change of each matrix is, and what became of the model as a whole. */

import { h } from '../dom';
import { share } from '../tokens';
import type { EditPayload, Whole } from './payload';

/** The bars' scale ends at this share of the norm, or at the largest change. */
const LEAST = 0.2;

export function drawSizes(payload: EditPayload): HTMLElement {
  // A small change stays small beside nothing.
  const largest = Math.max(...payload.changes.map(one => one.value), LEAST);
  const rows = payload.changes.map(one => {
    const bar = h('span', { class: 'iw-bar iw-plain', 'aria-hidden': 'true' });
    bar.style.setProperty('--w', `${(share(one.value, largest) * 100).toFixed(2)}%`);
    return h(
      'div',
      { class: 'iw-size', role: 'listitem', 'data-iw': 'size' },
      h('span', {}, one.name),
      h('span', { class: 'iw-track' }, bar),
      h('span', { class: 'iw-number' }, one.label)
    );
  });
  return h(
    'div',
    { class: 'iw-sizes', 'data-iw': 'sizes', hidden: rows.length + payload.others.length === 0 },
    h(
      'div',
      { class: 'iw-heading' },
      rows.length > 0 ? 'Weights changed, of their norm' : 'No weight is changed'
    ),
    h('div', { class: 'iw-rows', role: 'list', 'aria-label': 'Size of the change' }, ...rows),
    ...payload.others.map(one => h('div', {}, one))
  );
}

export function drawWhole(whole: Whole): HTMLElement {
  return h(
    'div',
    { class: 'iw-whole', 'data-iw': 'whole' },
    whole.tone === null
      ? null
      : h(
          'span',
          { class: `iw-badge iw-${whole.tone}` },
          h('span', { 'aria-hidden': 'true' }, whole.mark),
          ` ${whole.word} `
        ),
    h('span', { class: 'iw-dim' }, whole.facts.join(' · ')),
    ...whole.crossed.map(one => h('p', {}, one))
  );
}
