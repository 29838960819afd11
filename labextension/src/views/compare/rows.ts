/**
 * The picture: one row for each method, its name and verdict above the prompt as running text.
 *
 * A grid for the keyboard: Left and Right move over a row's tokens, and from the first one to the method's name; Up and
 * Down lead to the same token by the method before or after.
 */

import { h } from '../dom';
import { mirror, step } from '../keys';
import { listen } from '../places';
import { drawBadge } from '../title';
import { drawToken, indexOf, setLines } from '../tokens';
import { passageOf } from './payload';
import type { How } from '../selection';
import type { ComparePayload } from './payload';

/** A method and a token; index -1 is the method's name. */
export interface Place {
  row: number;
  index: number;
}

export interface RowEvents {
  look(place: Place | null): void;
  choose(index: number, how: How): void;
}

export interface Rows {
  element: HTMLElement;
  /** Each method's running text. */
  scrollers: HTMLElement[];
  /** Lights one token in all rows; null lights none. */
  light(index: number | null): void;
  select(boxes: ReadonlySet<number>): void;
  focus(place: Place): void;
  /** Where the focus is. */
  focused(): Place | null;
}

export function drawRows(payload: ComparePayload, events: RowEvents): Rows {
  const heads: HTMLElement[] = [];
  const cells: HTMLElement[][] = [];
  const scrollers: HTMLElement[] = [];
  const directions: ('ltr' | 'rtl')[][] = [];
  const differing = new Set(payload.differ.map(item => item.index));

  const rows = payload.methods.map((method, row) => {
    const passage = passageOf(payload, method);
    const items = passage.boxes.map((box, index) => {
      const token = drawToken(box, index, passage.scale, 'gridcell');
      token.dataset.row = String(row);
      token.setAttribute(
        'aria-label',
        `${box.name} ${box.label} ${passage.scale.unit}, rank ${method.ranks[index] ?? 0}`
      );
      token.classList.toggle('iw-differs', differing.has(index));
      return token;
    });
    const text = h('div', { class: 'iw-tokens', 'data-iw': 'tokens', 'data-row': row });
    directions.push(setLines(text, passage, items));
    scrollers.push(text);
    cells.push(items);
    const head = h(
      'div',
      {
        class: 'iw-method-head',
        role: 'rowheader',
        tabindex: -1,
        'data-iw': 'method-head',
        'data-row': row,
        'aria-label': `${method.label}, ${method.verdict.word}, ${method.cost}`
      },
      h('span', { class: 'iw-method-name' }, method.label),
      drawBadge(method.verdict.word),
      h('span', { class: 'iw-cost iw-dim' }, method.cost)
    );
    heads.push(head);
    const muted = method.verdict.word === 'do not trust';
    return h(
      'div',
      {
        class: `iw-method-row${muted ? ' iw-muted' : ''}`,
        role: 'row',
        'data-iw': 'method-row',
        'data-row': row,
        'data-word': method.verdict.word
      },
      head,
      h('div', { class: 'iw-picture' }, text)
    );
  });
  const element = h(
    'div',
    { class: 'iw-rows-grid', role: 'grid', 'aria-label': 'Scores by each method', 'data-iw': 'grid' },
    ...rows
  );

  const at = ({ row, index }: Place): HTMLElement | undefined =>
    index < 0 ? heads[row] : cells[row]?.[index];
  const placeOf = (target: EventTarget | null): Place | null => {
    const marked = target instanceof Element ? target.closest<HTMLElement>('[data-row]') : null;
    if (marked === null || (!marked.matches('.iw-token') && !marked.matches('.iw-method-head'))) {
      return null;
    }
    return { row: Number(marked.dataset.row), index: indexOf(marked) ?? -1 };
  };
  const { enter, focus, focused } = listen<Place>(element, {
    of: placeOf,
    item: at,
    look: events.look,
    choose: ({ index }, how) => {
      if (index >= 0) {
        events.choose(index, how);
      }
    },
    move: (pressed, { row, index }) => {
      if (pressed === 'Home') {
        return { row, index: Math.min(0, payload.boxes.length - 1) };
      }
      const other = pressed === 'End' ? null : step(pressed, row, payload.methods.length, true);
      if (other !== null) {
        return { row: other, index };
      }
      // The method's name stands before the first token.
      const to = step(mirror(pressed, directions[row]?.[index]), index + 1, payload.boxes.length + 1, false);
      return to === null ? null : { row, index: to - 1 };
    }
  });
  enter({ row: 0, index: Math.min(0, payload.boxes.length - 1) });

  // The rows hold the same text, so they scroll as one.
  scrollers.forEach(scroller =>
    scroller.addEventListener('scroll', () => {
      for (const other of scrollers) {
        if (other.scrollTop !== scroller.scrollTop) {
          other.scrollTop = scroller.scrollTop;
        }
      }
    })
  );
  let lit: number | null = null;
  return {
    element,
    scrollers,
    focus,
    focused,
    light: index => {
      for (const [shown, marked] of [
        [lit, false],
        [index, true]
      ] as const) {
        if (shown !== null) {
          cells.forEach(items => items[shown]?.classList.toggle('iw-lit', marked));
        }
      }
      lit = index;
    },
    select: boxes =>
      cells.forEach(items =>
        items.forEach((item, index) => item.setAttribute('aria-selected', String(boxes.has(index))))
      )
  };
}
