/** The fixed readout: a token with its score and rank by each method, or a method with its verdict. */

import { h, foreign, append } from '../dom';
import { side } from '../tokens';
import { drawBadge } from '../title';
import type { ComparePayload } from './payload';
import type { Place } from './rows';

/** How many names are listed before the rest is counted. */
const NAMED = 4;

export interface Readout {
  element: HTMLElement;
  show(place: Place | null, selected: ReadonlySet<number>): void;
}

export function drawReadout(payload: ComparePayload): Readout {
  const element = h('div', { class: 'iw-readout', 'aria-live': 'polite', 'data-iw': 'readout' });

  const token = (index: number): void => {
    const box = payload.boxes[index];
    if (box === undefined) {
      return;
    }
    element.append(foreign(box.name, { class: 'iw-name' }));
    if (box.parts.length > 0) {
      const parts = h('span', { class: 'iw-dim' }, `${box.parts.length} tokens: `);
      box.parts.forEach((part, at) => append(parts, [at > 0 && ', ', foreign(part)]));
      element.append(parts);
    }
    const said = payload.differ.find(item => item.index === index);
    const list = h('dl', { class: 'iw-by' });
    for (const method of payload.methods) {
      list.append(
        h('dt', {}, method.label),
        h(
          'dd',
          {},
          h('b', { class: `iw-value iw-ink-${side(method.scores[index] ?? 0)}` }, method.labels[index] ?? ''),
          ` ${method.scale.unit}, `,
          h('span', { class: 'iw-rank' }, `rank ${method.ranks[index] ?? 0}`)
        )
      );
    }
    append(element, [said !== undefined && h('span', { class: 'iw-dim' }, 'the methods differ'), list]);
  };

  const method = (row: number): void => {
    const shown = payload.methods[row];
    if (shown !== undefined) {
      element.append(
        h('span', { class: 'iw-method-name' }, shown.label),
        drawBadge(shown.verdict.word),
        h('span', { class: 'iw-dim' }, [shown.verdict.sentence, ...shown.notes].join('. ')),
        h(
          'span',
          { class: 'iw-parts' },
          ...shown.verdict.why.map(paragraph => h('span', { class: 'iw-why-line' }, paragraph))
        )
      );
    }
  };

  return {
    element,
    show: (place, selected) => {
      element.replaceChildren();
      if (place !== null) {
        if (place.index < 0) {
          method(place.row);
        } else {
          token(place.index);
        }
      } else if (selected.size === 1) {
        token([...selected][0] ?? 0);
      } else if (selected.size > 1) {
        const names = h('span', { class: 'iw-dim' }, `${selected.size} selected: `);
        const list = [...selected].sort((a, b) => a - b);
        list.slice(0, NAMED).forEach((index, at) => {
          append(names, [at > 0 && ', ', foreign(payload.boxes[index]?.name ?? '', { class: 'iw-name' })]);
        });
        append(names, [list.length > NAMED && ` and ${list.length - NAMED} more`]);
        element.append(names);
      } else {
        const first = payload.differ[0];
        append(
          element,
          first === undefined
            ? [h('span', { class: 'iw-dim' }, 'Point at a token to see it by each method.')]
            : [
                foreign(first.name, { class: 'iw-name' }),
                h('span', { class: 'iw-dim' }, `${first.sentence}: here the methods differ most`)
              ]
        );
      }
    }
  };
}

/** The colours and their patterns; each row has a scale of its own. */
export function drawLegend(payload: ComparePayload): HTMLElement {
  return h(
    'div',
    { class: 'iw-legend', 'data-iw': 'legend' },
    h('div', { class: 'iw-legend-names' }, h('span', {}, 'against (hatched)'), h('span', {}, 'for (solid)')),
    h(
      'div',
      { class: 'iw-scale', 'aria-hidden': 'true' },
      h('i', { class: 'iw-scale-against' }),
      h('i', { class: 'iw-scale-for' })
    ),
    h('div', {}, 'each row to its own largest score:'),
    ...payload.methods.map(method =>
      h('div', { class: 'iw-legend-line' }, `${method.label} ${method.scale.label} ${method.scale.unit}`)
    ),
    payload.differ.length > 0 && h('div', {}, 'dotted frame: the methods differ most')
  );
}
