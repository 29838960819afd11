/** Next tokens of several runs, side by side as bars. */

import { h, foreign } from './dom';

export interface Run {
  name: string;
  items: readonly (readonly [name: string, label: string])[];
}

/** A probability as it is written: "0.34", "> 0.99", "< 0.0001". */
function size(label: string): number {
  const number = Number.parseFloat(label.replace(/^[<>]\s*/, ''));
  return Number.isFinite(number) ? Math.min(1, Math.max(0, number)) : 0;
}

/** A list for each run; bars are of the whole, 1. `marked` is the token to tell among them. */
export function drawRuns(runs: readonly Run[], marked: string): HTMLElement {
  const lists = runs.map(run => {
    const rows = run.items.map(([name, label]) => {
      const bar = h('span', { class: 'iw-bar iw-plain', 'aria-hidden': 'true' });
      bar.style.setProperty('--w', `${(size(label) * 100).toFixed(2)}%`);
      return h(
        'div',
        {
          class: `iw-row${name === marked ? ' iw-target' : ''}`,
          role: 'listitem',
          'data-iw': 'next'
        },
        foreign(name, { class: 'iw-name', title: name }),
        h('span', { class: 'iw-track' }, bar),
        h('span', { class: 'iw-number' }, label)
      );
    });
    return h(
      'div',
      { class: 'iw-list', 'data-iw': 'run' },
      h('div', { class: 'iw-heading' }, run.name),
      h('div', { class: 'iw-rows', role: 'list', 'aria-label': `Next tokens, ${run.name}` }, ...rows)
    );
  });
  return h('div', { class: 'iw-lists iw-runs', 'data-iw': 'runs' }, ...lists);
}
