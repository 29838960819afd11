/** Next tokens of both sides in one list: a bar before, a bar after, and their numbers. */

import { h, foreign } from '../dom';
import { ROLES } from './payload';
import type { Sample } from './payload';

/** A probability as it is written: "0.34", "> 0.99", "< 0.0001". */
function size(label: string): number {
  const number = Number.parseFloat(label.replace(/^[<>]\s*/, ''));
  return Number.isFinite(number) ? Math.min(1, Math.max(0, number)) : 0;
}

function bar(label: string, side: 'before' | 'after'): HTMLElement {
  const drawn = h('span', { class: `iw-bar${side === 'before' ? ' iw-plain' : ''}`, 'aria-hidden': 'true' });
  drawn.style.setProperty('--w', `${(size(label) * 100).toFixed(2)}%`);
  return drawn;
}

export function drawNext(sample: Sample): HTMLElement {
  const rows = sample.next.map(one =>
    h(
      'div',
      {
        class: `iw-next${one.role === null ? '' : ' iw-target'}`,
        role: 'listitem',
        'data-iw': 'next',
        'data-role': one.role
      },
      foreign(one.name, { class: 'iw-name', title: one.name }),
      h('span', { class: 'iw-track' }, bar(one.before, 'before'), bar(one.after, 'after')),
      h('span', { class: 'iw-number' }, one.before),
      h('span', { class: 'iw-edit-arrow', 'aria-hidden': 'true' }, '→'),
      h('span', { class: 'iw-number iw-now' }, one.after),
      h('span', { class: 'iw-role' }, one.role === null ? '' : ROLES[one.role])
    )
  );
  return h(
    'div',
    { class: 'iw-next-part', 'data-iw': 'next-tokens' },
    h('div', { class: 'iw-heading' }, 'Next tokens · upper bar before, lower bar after'),
    h('div', { class: 'iw-rows', role: 'list', 'aria-label': 'Next tokens before and after' }, ...rows)
  );
}
