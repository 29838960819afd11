/** What the colours of a heat map mean, and to what they are scaled. */

import { h } from '../dom';
import type { Heat } from './map';

/** `label` is the largest absolute value as written, `lines` what else is to be said. */
export function drawHeatLegend(heat: Heat, label: string, lines: readonly string[]): HTMLElement {
  const below = heat.values.some(line => line.some(value => value !== null && value < 0));
  const unmeasured = heat.values.some(line => line.includes(null));
  return h(
    'div',
    { class: 'iw-legend', 'data-iw': 'legend' },
    h(
      'div',
      { class: 'iw-legend-names' },
      h('span', {}, below ? `−${label} (hatched)` : '0'),
      below && h('span', {}, '0'),
      h('span', {}, label)
    ),
    h(
      'div',
      { class: `iw-heat-scale${below ? ' iw-two-sided' : ''}`, 'aria-hidden': 'true' },
      below && h('i', { class: 'iw-against' }),
      h('i', { class: 'iw-for' })
    ),
    ...lines.map(line => h('div', {}, line)),
    unmeasured && h('div', {}, 'dotted: not measured')
  );
}
