/** The fixed readout: a token with its score along each vector; and what colours and lines mean. */

import { h, append, foreign } from '../dom';
import { select } from '../fields';
import { side } from '../tokens';
import type { SteeringPayload } from './payload';

export interface Readout {
  element: HTMLElement;
  show(payload: SteeringPayload, index: number | null): void;
}

export function drawReadout(): Readout {
  const element = h('div', { class: 'iw-readout', 'aria-live': 'polite', 'data-iw': 'readout' });
  return {
    element,
    show: (payload, index) => {
      element.replaceChildren();
      const box = index === null ? undefined : payload.boxes[index];
      if (box === undefined) {
        element.append(h('span', { class: 'iw-dim' }, 'Point at a token to read its scores.'));
        return;
      }
      element.append(foreign(box.name, { class: 'iw-name' }));
      box.labels.forEach((label, at) => {
        append(element, [
          h('span', { class: 'iw-dim' }, payload.vectors[at]?.name ?? ''),
          h('b', { class: `iw-value iw-ink-${side(box.scores[at] ?? 0)}` }, label)
        ]);
      });
      append(element, [
        h(
          'span',
          { class: 'iw-parts' },
          `probability ${box.probability}${box.differs ? ', differs' : ''}` +
            (box.parts.length > 0 ? `, ${box.parts.length} tokens: ${box.parts.join(', ')}` : '')
        )
      ]);
    }
  };
}

/** What the colours say, by which vector, and what the lines above tokens mean. */
export function drawLegend(
  payload: SteeringPayload,
  chosen: number,
  choose: (index: number) => void
): HTMLElement {
  const vector = payload.vectors[chosen];
  const colour =
    payload.vectors.length > 1
      ? select(
          payload.vectors.map((one, at) => ({ value: String(at), label: `coloured by ${one.name}` })),
          String(chosen),
          'Colour by',
          'colour',
          at => choose(Number(at))
        )
      : null;
  return h(
    'div',
    { class: 'iw-legend', 'data-iw': 'legend' },
    colour,
    h(
      'div',
      { class: 'iw-legend-names' },
      h('span', {}, `${vector?.negative ?? ''} (hatched)`),
      h('span', {}, `${vector?.positive ?? ''} (solid)`)
    ),
    h(
      'div',
      { class: 'iw-scale', 'aria-hidden': 'true' },
      h('i', { class: 'iw-scale-against' }),
      h('i', { class: 'iw-scale-for' })
    ),
    h('div', {}, `${vector?.unit ?? ''}, ${vector?.read_at ?? ''}; largest ${vector?.scale.label ?? ''}`),
    h(
      'div',
      { class: 'iw-lines' },
      h('span', { class: 'iw-line-gone' }, 'only unsteered'),
      h('span', { class: 'iw-line-new' }, 'only steered')
    )
  );
}
