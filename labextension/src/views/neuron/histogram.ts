/** The histogram: a bar for each range of activations, those that reach into the region of the best peaks in colour. */

import { h } from '../dom';
import { rove, step } from '../keys';
import { listen } from '../places';
import type { Bar, Histogram } from './payload';

export interface Bars {
  element: HTMLElement;
  focused(): Bar | null;
}

export function drawHistogram(histogram: Histogram, look: (bar: Bar | null) => void): Bars {
  const { bars, bound, ends, zero } = histogram;
  const items = bars.map((bar, at) => {
    const kind = bar.top ? (bar.negative ? ' iw-against' : ' iw-for') : '';
    const item = h('span', {
      class: `iw-column-bar${kind}`,
      role: 'img',
      tabindex: -1,
      'aria-label': `${bar.name}: ${bar.label} tokens${bar.top ? ', region of the peaks' : ''}`,
      'data-iw': 'bar',
      'data-index': at,
      'data-count': bar.count
    });
    item.style.setProperty('--h', `${(bar.height * 100).toFixed(2)}%`);
    if (bar.count > 0) {
      item.classList.add('iw-some');
    }
    return item;
  });
  const mark = h('i', { class: 'iw-bound', 'aria-hidden': 'true', 'data-iw': 'bound' });
  mark.style.setProperty('--at', `${(bound.at * 100).toFixed(2)}%`);
  const nought = h('i', { class: 'iw-nought', 'aria-hidden': 'true' });
  nought.style.setProperty('--at', `${(zero * 100).toFixed(2)}%`);
  const inside = zero > 0.06 && zero < 0.94;
  const nil = h('span', { class: 'iw-nil' }, '0');
  nil.style.setProperty('--at', `${(zero * 100).toFixed(2)}%`);
  const plot = h(
    'div',
    { class: 'iw-columns', role: 'group', 'aria-label': 'Histogram of all tokens', 'data-iw': 'histogram' },
    nought,
    mark,
    ...items
  );
  const { focused } = listen<number>(plot, {
    of: target => {
      const found = target instanceof Element ? target.closest<HTMLElement>('.iw-column-bar') : null;
      return found === null ? null : Number(found.dataset.index);
    },
    item: at => items[at],
    look: at => {
      const now = at ?? focused();
      look(now === null ? null : (bars[now] ?? null));
    },
    choose: () => undefined,
    move: (key, at) => step(key, at, items.length, false)
  });
  const first = bars.findIndex(bar => bar.top);
  rove(items, Math.max(0, first));
  return {
    element: h(
      'div',
      { class: 'iw-histogram' },
      h('div', { class: 'iw-heading' }, histogram.words),
      plot,
      h(
        'div',
        { class: 'iw-axis', 'aria-hidden': 'true' },
        h('span', {}, ends[0]),
        inside && nil,
        h('span', {}, ends[1])
      )
    ),
    focused: () => {
      const at = focused();
      return at === null ? null : (bars[at] ?? null);
    }
  };
}
