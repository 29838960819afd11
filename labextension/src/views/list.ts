/** Tokens as running text that a person walks through and chooses from; the view puts the tokens in. */

import { h } from './dom';
import { mirror, step } from './keys';
import { listen } from './places';
import { indexOf, rowStep } from './tokens';
import type { Places, Reach } from './places';

/** What a view does with a token, by its index. */
export interface ListEvents extends Pick<Places<number>, 'look' | 'choose'> {
  /** What keys do that lead nowhere. */
  keys?: Readonly<Record<string, () => void>>;
}

export interface TokenList extends Reach<number> {
  element: HTMLElement;
  items: HTMLElement[];
  /** The direction of each item's line. */
  directions: ('ltr' | 'rtl')[];
  /** Shows which boxes are selected. */
  select(boxes: ReadonlySet<number>): void;
}

/** An empty list. */
export function drawList(label: string, events: ListEvents): TokenList {
  const element = h('div', {
    class: 'iw-tokens',
    role: 'listbox',
    'aria-multiselectable': 'true',
    'aria-orientation': 'horizontal',
    'aria-label': label,
    'data-iw': 'tokens'
  });
  const reach = listen(element, {
    of: indexOf,
    item: index => list.items[index],
    look: events.look,
    choose: events.choose,
    move: (pressed, index) => {
      const key = mirror(pressed, list.directions[index]);
      if (key === 'ArrowUp' || key === 'ArrowDown') {
        return rowStep(list.items, index, key === 'ArrowDown') ?? index;
      }
      const act = events.keys?.[key];
      act?.();
      return act === undefined ? step(key, index, list.items.length, false) : index;
    }
  });
  const list: TokenList = {
    ...reach,
    element,
    items: [],
    directions: [],
    select: boxes =>
      list.items.forEach((item, index) => item.setAttribute('aria-selected', String(boxes.has(index))))
  };
  return list;
}
