/** The fixed readout: one cell with its best tokens, how sure it is, and how far from the final distribution. */

import { h, foreign, append } from '../dom';
import { cellAt, rankOf, word } from './payload';
import type { LensPayload, Place } from './payload';

export interface Readout {
  element: HTMLElement;
  /** `chosen` is the token that is followed through the layers. */
  show(payload: LensPayload, place: Place | null, chosen: number | null): void;
}

export function drawReadout(): Readout {
  const element = h('div', { class: 'iw-readout', 'aria-live': 'polite', 'data-iw': 'readout' });
  const dim = (text: string): HTMLElement => h('span', { class: 'iw-dim' }, text);
  const named = (text: string): HTMLElement => foreign(text, { class: 'iw-name' });

  const best = (payload: LensPayload, place: Place): void => {
    const cell = cellAt(payload, place);
    const line = h('span', { class: 'iw-parts' });
    cell?.ids.forEach((id, at) => {
      append(line, [
        at > 0 && ', ',
        named(word(payload, id)),
        ' ',
        h('b', { class: 'iw-value iw-ink-for' }, cell.labels[at] ?? '')
      ]);
    });
    element.append(line);
  };

  return {
    element,
    show: (payload, place, chosen) => {
      element.replaceChildren();
      const cell = place === null ? null : cellAt(payload, place);
      if (place === null || payload.rows.length === 0) {
        element.append(dim('Nothing is read yet.'));
        return;
      }
      const layer = payload.rows[place.row]?.layer ?? 0;
      append(element, [
        h('b', {}, `after layer ${layer}`),
        dim('at'),
        named(payload.boxes[place.column]?.name ?? '')
      ]);
      if (cell === null) {
        element.append(dim('not read yet'));
        return;
      }
      best(payload, place);
      const followed = new Set(chosen === null ? payload.followed : [...payload.followed, chosen]);
      const ranks = h('span', { class: 'iw-parts' }, 'rank of ');
      [...followed].forEach((id, at) =>
        append(ranks, [at > 0 && ', ', named(word(payload, id)), ` ${rankOf(payload, cell, id)}`])
      );
      element.append(ranks);
      element.append(
        h(
          'span',
          { class: 'iw-parts iw-dim' },
          `entropy ${cell.entropy} nats, ${cell.divergence} nats from the final distribution`
        )
      );
      const held = payload.held_out;
      if (held !== null) {
        const weak = held.weak[layer] === true ? `: no better than a guess (${held.guess})` : '';
        element.append(
          h(
            'span',
            { class: 'iw-parts iw-dim', 'data-iw': 'held-out' },
            `on other text, after this layer: ${held.divergence[layer] ?? ''} nats off${weak}; ` +
              `first choice right in ${held.agreement[layer] ?? ''}`
          )
        );
      }
    }
  };
}
