/** Tokens followed through the layers at one position: for each a strip of bars, one a layer, the first layer left. */

import { h, foreign } from '../dom';
import { cellAt, height, rankOf, trailLabel, word } from './payload';
import type { LensPayload, Trail } from './payload';

/** Strips beside those of the followed tokens. */
const OTHERS = 1;

export interface Trails {
  element: HTMLElement;
  /** The strips of a position, with the chosen token's among them and one layer lit. */
  show(payload: LensPayload, column: number, chosen: number | null, layer: number | null): void;
}

/** The trails that are drawn: of the followed tokens, and of the chosen one. */
export function shownTrails(payload: LensPayload, column: number, chosen: number | null): Trail[] {
  const all = payload.trails[column] ?? [];
  const own = all.filter(trail => payload.followed.includes(trail.id));
  const other = all.filter(trail => trail.id === chosen && !payload.followed.includes(trail.id));
  return [...own, ...other.slice(0, OTHERS)];
}

/** A strip in words, for those who hear it: where the token's probability is largest. */
function stripWords(payload: LensPayload, trail: Trail): string {
  let best = 0;
  trail.labels.forEach((label, layer) => {
    if (height(label) > height(trail.labels[best])) {
      best = layer;
    }
  });
  return `${word(payload, trail.id)}: ${trailLabel(payload, trail, best)} at most, after layer ${best}`;
}

export function drawTrails(): Trails {
  const head = h('div', { class: 'iw-trails-head', 'data-iw': 'story' });
  const list = h('div', { class: 'iw-trails-list' });
  const axis = h('div', { class: 'iw-trail iw-trail-axis', 'aria-hidden': 'true' });
  const element = h('div', { class: 'iw-trails', 'data-iw': 'trails' }, head, list, axis);

  return {
    element,
    show: (payload, column, chosen, layer) => {
      const trails = shownTrails(payload, column, chosen);
      const row = payload.rows.findIndex(item => item.layer === layer);
      const cell = row < 0 ? null : cellAt(payload, { row, column });
      const story = payload.stories[column] ?? '';
      head.replaceChildren(
        'After ',
        foreign(payload.boxes[column]?.name ?? '', { class: 'iw-name' }),
        `: ${story}`
      );
      element.hidden = payload.rows.length === 0;
      list.replaceChildren(
        ...trails.map(trail => {
          const bars = trail.labels.map((label, at) => {
            const title = `layer ${at}: ${trailLabel(payload, trail, at)}`;
            const bar = h('i', { class: at === layer ? 'iw-at' : '', title });
            bar.style.setProperty('--p', String(height(label)));
            return bar;
          });
          const now = layer === null ? '' : trailLabel(payload, trail, layer);
          const rank = cell === null ? '' : `rank ${rankOf(payload, cell, trail.id)}`;
          return h(
            'div',
            {
              class: `iw-trail${trail.id === chosen ? ' iw-chosen' : ''}`,
              'data-iw': 'trail',
              'data-id': trail.id
            },
            foreign(word(payload, trail.id), { class: 'iw-name' }),
            h(
              'div',
              { class: 'iw-strip-bars', role: 'img', 'aria-label': stripWords(payload, trail) },
              ...bars
            ),
            h('span', { class: 'iw-number' }, now),
            h('span', { class: 'iw-number iw-dim' }, rank)
          );
        })
      );
      const last = payload.rows.at(-1)?.layer ?? 0;
      axis.replaceChildren(
        h('span', {}, ''),
        h('div', { class: 'iw-trail-ends' }, h('span', {}, 'layer 0'), h('span', {}, String(last))),
        h('span', {}, layer === null ? '' : `layer ${layer}`),
        h('span', {}, '')
      );
    }
  };
}
