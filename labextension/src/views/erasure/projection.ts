/** Labelled states as points, before and after, side by side: a point that is looked at lights in both. */

import { h } from '../dom';
import { step } from '../keys';
import { listen } from '../places';
import { SHAPES, placesOn } from './planes';
import type { How } from '../selection';
import type { ErasurePayload } from './payload';
import type { Plane, Side } from './planes';

export interface Projection {
  element: HTMLElement;
  /** The point that has the focus; null elsewhere. */
  focused(): number | null;
  /** Lights a point in both pictures; null none. */
  light(index: number | null): void;
  select(points: ReadonlySet<number>): void;
}

interface Events {
  look(index: number | null): void;
  choose(index: number, how: How): void;
}

const SIDES: readonly Side[] = ['before', 'after'];

/** The next point in an order of points. */
function along(order: readonly number[], from: number, on: boolean): number {
  const at = order.indexOf(from);
  return order[Math.min(order.length - 1, Math.max(0, at + (on ? 1 : -1)))] ?? from;
}

export function drawProjection(payload: ErasurePayload, plane: Plane, events: Events): Projection {
  const places = placesOn(payload, plane);
  const items: HTMLElement[][] = [];
  const focus: (() => number | null)[] = [];
  const panels = SIDES.map((side, panel) => {
    const spots = payload.boxes.map(point => places(point, side));
    const drawn = payload.boxes.map((point, index) => {
      const item = h('span', {
        class: `iw-point iw-k${point.class % SHAPES}`,
        role: 'option',
        'aria-selected': 'false',
        'aria-label': `${point.name}, ${payload.classes[point.class] ?? ''}, ${point.labels[panel] ?? ''}`,
        tabindex: -1,
        'data-iw': 'point',
        'data-index': index,
        'data-row': panel
      });
      item.style.setProperty('left', `${((spots[index]?.x ?? 0) * 100).toFixed(2)}%`);
      item.style.setProperty('bottom', `${((spots[index]?.y ?? 0) * 100).toFixed(2)}%`);
      return item;
    });
    items.push(drawn);
    const numbers = drawn.map((_, index) => index);
    const across = [...numbers].sort((a, b) => (spots[a]?.x ?? 0) - (spots[b]?.x ?? 0));
    const up = [...numbers].sort((a, b) => (spots[a]?.y ?? 0) - (spots[b]?.y ?? 0));
    const box = h(
      'div',
      {
        class: 'iw-cloud',
        role: 'listbox',
        'aria-multiselectable': 'true',
        'aria-label': `Points ${side} erasing`,
        'data-iw': side
      },
      ...drawn
    );
    const reach = listen<number>(box, {
      of: target => {
        const found = target instanceof Element ? target.closest<HTMLElement>('.iw-point') : null;
        return found === null ? null : Number(found.dataset.index);
      },
      item: index => drawn[index],
      look: events.look,
      choose: events.choose,
      move: (key, from) => {
        if (key === 'ArrowUp' || key === 'ArrowDown') {
          return along(up, from, key === 'ArrowUp');
        }
        const to = step(key, across.indexOf(from), across.length, false);
        return to === null ? null : (across[to] ?? from);
      }
    });
    reach.enter(across[0] ?? 0);
    focus.push(reach.focused);
    return h(
      'div',
      { class: 'iw-side' },
      h('div', { class: 'iw-turn-label', 'aria-hidden': 'true' }, side),
      box
    );
  });
  return {
    element: h('div', { class: 'iw-clouds', 'data-iw': 'projection' }, ...panels),
    focused: () => focus.map(one => one()).find(index => index !== null) ?? null,
    light: index => {
      items.forEach(drawn => drawn.forEach((item, at) => item.classList.toggle('iw-lit', at === index)));
    },
    select: points => {
      items.forEach(drawn =>
        drawn.forEach((item, at) => item.setAttribute('aria-selected', String(points.has(at))))
      );
    }
  };
}
