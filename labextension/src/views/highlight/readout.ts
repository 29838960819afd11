/** The line under the picture: the token that is looked at, by name and value; and what the colours mean. */

import { h, foreign, append } from '../dom';
import { strongest } from './strongest';
import { side } from '../tokens';
import type { HighlightPayload } from './payload';

/** How many names are listed before the rest is counted. */
const NAMED = 4;

export interface Readout {
  element: HTMLElement;
  /** Names one box, or lists a selection, or names the strongest. */
  show(index: number | null, selected: ReadonlySet<number>): void;
}

export function drawReadout(payload: HighlightPayload): Readout {
  const element = h('div', { class: 'iw-readout', 'aria-live': 'polite', 'data-iw': 'readout' });
  const unit = payload.scale.unit;

  const one = (index: number, remark = ''): void => {
    const box = payload.boxes[index];
    if (box === undefined) {
      return;
    }
    append(element, [
      foreign(box.name, { class: 'iw-name' }),
      h('b', { class: `iw-value iw-ink-${side(box.score)}` }, box.label),
      box.interval !== undefined &&
        h('span', { class: 'iw-dim', 'data-iw': 'interval' }, `(${box.interval})`),
      h('span', { class: 'iw-dim' }, `${unit}${remark}`)
    ]);
    if (box.parts.length > 0) {
      const parts = h('span', { class: 'iw-parts' }, `${box.parts.length} tokens: `);
      box.parts.forEach((part, at) => {
        append(parts, [at > 0 && ', ', foreign(part.name), ` ${part.label}`]);
      });
      element.append(parts);
    }
  };

  const many = (selected: ReadonlySet<number>): void => {
    const list = [...selected].sort((a, b) => a - b);
    const names = h('span', { class: 'iw-dim' }, `${list.length} selected: `);
    list.slice(0, NAMED).forEach((index, at) => {
      append(names, [at > 0 && ', ', foreign(payload.boxes[index]?.name ?? '', { class: 'iw-name' })]);
    });
    append(names, [list.length > NAMED && ` and ${list.length - NAMED} more`]);
    element.append(names);
  };

  return {
    element,
    show: (index, selected) => {
      element.replaceChildren();
      if (index !== null) {
        one(index);
      } else if (selected.size > 1) {
        many(selected);
      } else if (selected.size === 1) {
        one([...selected][0] ?? 0);
      } else {
        const [first] = strongest(payload, 1);
        if (first === undefined) {
          element.append(h('span', { class: 'iw-dim' }, 'All scores are zero.'));
        } else {
          one(first, ', the strongest');
        }
      }
    }
  };
}

/** The colours, their patterns, and how large the largest score is. */
export function drawLegend(payload: HighlightPayload): HTMLElement {
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
    h('div', {}, `largest score ${payload.scale.label} ${payload.scale.unit}`)
  );
}
