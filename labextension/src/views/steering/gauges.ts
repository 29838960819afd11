/** What steering costs and what it gives: a bar and a number for each text, on one scale. */

import { h, foreign } from '../dom';
import { share } from '../tokens';
import type { Bar, Gauge, SteeringPayload } from './payload';

function drawBar(gauge: Gauge, bar: Bar, steered: boolean): HTMLElement {
  const size = share(bar.value, gauge.max);
  const side = gauge.signed && bar.value < 0 ? ' iw-against' : '';
  const drawn = h('span', {
    class: `iw-bar${side}${steered ? '' : ' iw-plain'}`,
    'aria-hidden': 'true'
  });
  // A signed gauge has its zero in the middle.
  drawn.style.setProperty('--w', `${(size * (gauge.signed ? 50 : 100)).toFixed(2)}%`);
  if (gauge.signed) {
    drawn.style.setProperty('--from', `${(bar.value < 0 ? 50 - size * 50 : 50).toFixed(2)}%`);
  }
  return h(
    'div',
    { class: 'iw-gauge-row', 'data-iw': 'gauge-bar' },
    h('span', { class: 'iw-dim' }, bar.name),
    h('span', { class: `iw-track${gauge.signed ? ' iw-signed' : ''}` }, drawn),
    h('span', { class: 'iw-number' }, bar.label)
  );
}

export function drawGauges(payload: SteeringPayload): HTMLElement {
  return h(
    'div',
    { class: 'iw-gauges', 'data-iw': 'gauges', hidden: payload.gauges.length === 0 },
    ...payload.gauges.map(gauge =>
      h(
        'div',
        { class: 'iw-gauge', role: 'group', 'aria-label': gauge.name, 'data-iw': 'gauge' },
        h(
          'div',
          { class: 'iw-gauge-head' },
          foreign(gauge.name, { class: 'iw-gauge-name' }),
          h('span', { class: 'iw-number', 'data-iw': 'change' }, gauge.change)
        ),
        ...gauge.bars.map((bar, at) => drawBar(gauge, bar, at === 1)),
        h('div', { class: 'iw-heading' }, gauge.words)
      )
    )
  );
}
