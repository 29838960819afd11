/** The fixed place that names the token or the bar in hand, and the legend. */

import { h, append, foreign } from '../dom';
import { side } from '../tokens';
import type { Bar, NeuronPayload } from './payload';
import type { Place } from './texts';

export interface Readout {
  element: HTMLElement;
  token(place: Place): void;
  bar(bar: Bar): void;
  nothing(): void;
}

export function drawReadout(payload: NeuronPayload): Readout {
  const element = h('div', { class: 'iw-readout', 'aria-live': 'polite', 'data-iw': 'readout' });
  const dim = (text: string): HTMLElement => h('span', { class: 'iw-dim' }, text);
  return {
    element,
    token: ({ entry, word }) => {
      element.replaceChildren();
      append(element, [
        foreign(word.name, { class: 'iw-name' }),
        word.label !== '' && h('b', { class: `iw-value iw-ink-${side(word.score)}` }, word.label),
        dim(
          word.label !== ''
            ? payload.scale.unit
            : payload.whole
              ? 'special token, not counted'
              : 'not computed'
        )
      ]);
      if (word.parts.length > 0) {
        const line = h('span', { class: 'iw-parts' }, `${word.parts.length} tokens: `);
        word.parts.forEach((part, at) =>
          append(line, [at > 0 && ', ', foreign(part.name), ` ${part.label}`])
        );
        element.append(line);
      }
      const line = h('span', { class: 'iw-parts' }, entry.where, entry.where !== '' && ', ', 'peak ');
      append(line, [
        foreign(entry.peak.name, { class: 'iw-mono' }),
        ` ${entry.peak.label}`,
        entry.share !== null && `, ${entry.share} of the neuron’s activation`,
        entry.cut !== null && `; ${entry.cut}`
      ]);
      element.append(line);
    },
    bar: bar => {
      element.replaceChildren(
        h('b', { class: 'iw-value' }, `${bar.label} ${bar.count === 1 ? 'token' : 'tokens'}`),
        dim(`with an activation of ${bar.name}${bar.top ? ', in the region of the top texts’ peaks' : ''}`)
      );
    },
    nothing: () => {
      element.replaceChildren(dim('Point at a token or a bar, or reach it by keys.'));
    }
  };
}

/** The colours, their patterns, and to what they are scaled. */
export function drawLegend(payload: NeuronPayload): HTMLElement {
  return h(
    'div',
    { class: 'iw-legend', 'data-iw': 'legend' },
    h(
      'div',
      { class: 'iw-legend-names' },
      h('span', {}, 'below zero (hatched)'),
      h('span', {}, 'above (solid)')
    ),
    h(
      'div',
      { class: 'iw-scale', 'aria-hidden': 'true' },
      h('i', { class: 'iw-scale-against' }),
      h('i', { class: 'iw-scale-for' })
    ),
    h('div', {}, `full colour: ${payload.scale.label}, the largest here`)
  );
}
