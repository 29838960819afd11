/** The picture: the prompt as running text, each token tinted and underlined by its score. */

import { h } from '../dom';
import { step, take, rove } from '../keys';
import { drawToken, indexOf, rowStep, setLines } from '../tokens';
import type { Passage } from '../payload';
import type { How } from '../selection';

export interface TokenEvents {
  /** A token is looked at (hover or focus), or none is. */
  look(index: number | null): void;
  /** Chosen: alone, added or taken away, or everything from the last chosen one to here. */
  choose(index: number, how: How): void;
}

export interface Tokens {
  element: HTMLElement;
  items: HTMLElement[];
  /** Shows which boxes are selected. */
  select(boxes: ReadonlySet<number>): void;
  focus(index: number): void;
}

/** Draws the running text with its keyboard and mouse. */
export function drawTokens(passage: Passage, events: TokenEvents): Tokens {
  const items: HTMLElement[] = passage.boxes.map((box, index) => drawToken(box, index, passage.scale));
  const element = h('div', {
    class: 'iw-tokens',
    role: 'listbox',
    'aria-multiselectable': 'true',
    'aria-orientation': 'horizontal',
    'aria-label': 'Tokens of the prompt with their scores',
    'data-iw': 'tokens'
  });
  const directions = setLines(element, passage, items);

  const focus = (index: number): void => {
    rove(items, index);
    items[index]?.focus();
  };
  rove(items, 0);

  // Scrolling by keys moves tokens under a resting pointer; only a pointer that moves itself looks at one.
  let pointer = '';
  element.addEventListener('pointermove', event => {
    const place = `${event.screenX},${event.screenY}`;
    if (place !== pointer) {
      pointer = place;
      events.look(indexOf(event.target));
    }
  });
  element.addEventListener('pointerleave', () => events.look(null));
  element.addEventListener('focusin', event => {
    const index = indexOf(event.target);
    if (index !== null) {
      rove(items, index);
      events.look(index);
    }
  });
  element.addEventListener('focusout', () => events.look(null));
  element.addEventListener('click', event => {
    const index = indexOf(event.target);
    if (index !== null) {
      focus(index);
      events.choose(index, event.shiftKey ? 'extend' : event.ctrlKey || event.metaKey ? 'toggle' : 'only');
    }
  });
  element.addEventListener('keydown', event => {
    const index = indexOf(event.target);
    if (index === null || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === 'Enter' || event.key === ' ') {
      take(event);
      events.choose(index, event.shiftKey ? 'extend' : 'toggle');
      return;
    }
    const mirrored: Record<string, string> = { ArrowLeft: 'ArrowRight', ArrowRight: 'ArrowLeft' };
    const key = directions[index] === 'rtl' ? (mirrored[event.key] ?? event.key) : event.key;
    const vertical = key === 'ArrowUp' || key === 'ArrowDown';
    const to = vertical
      ? (rowStep(items, index, key === 'ArrowDown') ?? index)
      : step(key, index, items.length, false);
    if (to !== null) {
      take(event);
      if (event.shiftKey) {
        events.choose(to, 'extend');
      }
      focus(to);
    }
  });

  return {
    element,
    items,
    focus,
    select: boxes => {
      items.forEach((item, index) => item.setAttribute('aria-selected', String(boxes.has(index))));
    }
  };
}
