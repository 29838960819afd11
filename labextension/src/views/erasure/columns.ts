/** Shares side by side as columns of marks: the linear probe by place, or the next classifier by round of INLP. */

import { h } from '../dom';
import { rove, step } from '../keys';
import { listen } from '../places';
import type { Stage } from './payload';

export interface Mark {
  stage: Stage;
  value: number;
  low: number | null;
  high: number | null;
}

export interface Column {
  name: string;
  title: string;
  marks: Mark[];
  /** Stands apart from those before it. */
  apart?: boolean;
}

interface Wishes {
  hook: string;
  label: string;
  heading: string;
  /** What stands under the columns. */
  foot: string;
  majority: number;
  /** The column that is shown below; null where none can be. */
  chosen: number | null;
  look(at: number | null): void;
  choose?(at: number): void;
}

/** Room above and below the marks, as a share of 100 %. */
const MARGIN = 0.03;
/** Columns beyond which not every name has room. */
const ROOM = 14;

export function drawColumns(columns: readonly Column[], wishes: Wishes): HTMLElement {
  const values = columns.flatMap(({ marks }) =>
    marks.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value])
  );
  const low = Math.max(0, Math.min(...values, wishes.majority) - MARGIN);
  const high = Math.min(1, Math.max(...values, wishes.majority)) + MARGIN;
  const at = (value: number): string => `${(((value - low) / (high - low)) * 100).toFixed(2)}%`;
  const every = Math.ceil(columns.length / ROOM);
  const items = columns.map((column, index) => {
    const marks = column.marks.flatMap(mark => {
      const dot = h('i', { class: `iw-mark iw-at-${mark.stage}` });
      dot.style.setProperty('bottom', at(mark.value));
      if (mark.low === null || mark.high === null) {
        return [dot];
      }
      const line = h('i', { class: 'iw-upright' });
      line.style.setProperty('bottom', at(mark.low));
      line.style.setProperty('top', `calc(100% - ${at(mark.high)})`);
      return [line, dot];
    });
    const chosen = wishes.chosen === index;
    return h(
      'span',
      {
        class: `iw-step${column.apart === true ? ' iw-apart' : ''}`,
        role: wishes.choose === undefined ? 'img' : 'option',
        'aria-selected': wishes.choose === undefined ? null : String(chosen),
        'aria-label': column.title,
        tabindex: -1,
        'data-iw': wishes.hook,
        'data-index': index
      },
      ...marks
    );
  });
  const chance = h('i', { class: 'iw-level', 'aria-hidden': 'true' });
  chance.style.setProperty('bottom', at(wishes.majority));
  const plot = h(
    'div',
    {
      class: 'iw-steps',
      role: wishes.choose === undefined ? 'group' : 'listbox',
      'aria-orientation': wishes.choose === undefined ? null : 'horizontal',
      'aria-label': wishes.label
    },
    chance,
    ...items
  );
  listen<number>(plot, {
    of: target => {
      const found = target instanceof Element ? target.closest<HTMLElement>('.iw-step') : null;
      return found === null ? null : Number(found.dataset.index);
    },
    item: index => items[index],
    look: wishes.look,
    choose: index => wishes.choose?.(index),
    move: (key, index) => step(key, index, items.length, false)
  });
  rove(items, wishes.chosen ?? 0);
  return h(
    'div',
    { class: 'iw-steps-part', 'data-iw': `${wishes.hook}s` },
    h('div', { class: 'iw-heading' }, wishes.heading),
    plot,
    h(
      'div',
      { class: 'iw-step-names', 'aria-hidden': 'true' },
      ...columns.map((column, index) =>
        h(
          'span',
          { class: column.apart === true ? 'iw-apart' : '' },
          column.apart === true || index % every === 0 || wishes.chosen === index ? column.name : ''
        )
      )
    ),
    h('div', { class: 'iw-dim iw-steps-foot' }, wishes.foot)
  );
}
