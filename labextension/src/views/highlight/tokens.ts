/** The picture: the prompt as running text, each token tinted and underlined by its score. */

import { h, foreign } from '../dom';
import { step, take, rove } from '../keys';
import { TEMPLATE, direction, paragraphs, runs } from './lines';
import type { Box, HighlightPayload } from './payload';

/** Height of the bar under the token with the largest absolute score, in pixels. */
const BAR = 8;
/** Tokens longer than this may break inside. */
const LONG = 24;

export interface TokenEvents {
  /** A token is looked at (hover or focus), or none is. */
  look(index: number | null): void;
  /** Chosen: alone, added or taken away, or everything from the last chosen one to here. */
  choose(index: number, how: 'only' | 'toggle' | 'extend'): void;
}

export interface Tokens {
  element: HTMLElement;
  items: HTMLElement[];
  /** Shows which boxes are selected. */
  select(boxes: ReadonlySet<number>): void;
  focus(index: number): void;
}

/** Size of a score as a share of the scale, between 0 and 1. */
export function share(score: number, max: number): number {
  return max > 0 ? Math.min(1, Math.abs(score) / max) : 0;
}

export function side(score: number): 'for' | 'against' | 'none' {
  return score > 0 ? 'for' : score < 0 ? 'against' : 'none';
}

function drawToken(box: Box, index: number, payload: HighlightPayload): HTMLElement {
  const { max, unit } = payload.scale;
  const size = share(box.score, max);
  const token = h(
    'span',
    {
      class: `iw-token iw-${side(box.score)}${box.text.length > LONG ? ' iw-long' : ''}${box.text.includes('\n') ? ' iw-newline' : ''}`,
      role: 'option',
      'aria-selected': 'false',
      'aria-label': `${box.name} ${box.label} ${unit}`,
      tabindex: -1,
      'data-iw': 'token',
      'data-index': index,
      'data-score': box.score
    },
    box.text
  );
  token.style.setProperty('--s', size.toFixed(4));
  token.style.setProperty('--h', `${box.score === 0 ? 0 : Math.max(1, Math.round(size * BAR))}px`);
  return token;
}

/** Index of the token one visual row up or down, nearest to the middle of the present one; null at the edge. */
export function rowStep(items: readonly HTMLElement[], index: number, down: boolean): number | null {
  const here = items[index]?.getBoundingClientRect();
  if (here === undefined) {
    return null;
  }
  const middle = (here.left + here.right) / 2;
  let row: number | null = null;
  let best: { index: number; distance: number } | null = null;
  const order = down
    ? items.slice(index + 1).map((_, offset) => index + 1 + offset)
    : items.slice(0, index).map((_, offset) => index - 1 - offset);
  for (const at of order) {
    const rect = items[at]?.getBoundingClientRect();
    if (rect === undefined) {
      continue;
    }
    const beyond = down ? rect.top >= here.bottom - 2 : rect.bottom <= here.top + 2;
    if (!beyond) {
      continue;
    }
    row ??= rect.top;
    // Tokens of one line share their top within a few pixels; the next line ends the search.
    if (Math.abs(rect.top - row) > here.height / 2) {
      break;
    }
    const distance = Math.abs((rect.left + rect.right) / 2 - middle);
    if (best === null || distance < best.distance) {
      best = { index: at, distance };
    }
  }
  return best?.index ?? null;
}

/** Draws the running text with its keyboard and mouse. */
export function drawTokens(payload: HighlightPayload, events: TokenEvents): Tokens {
  const items: HTMLElement[] = payload.boxes.map((box, index) => drawToken(box, index, payload));
  const element = h('div', {
    class: 'iw-tokens',
    role: 'listbox',
    'aria-multiselectable': 'true',
    'aria-orientation': 'horizontal',
    'aria-label': 'Tokens of the prompt with their scores',
    'data-iw': 'tokens'
  });
  const directions: ('ltr' | 'rtl')[] = [];
  for (const run of runs(payload)) {
    const template = run.label === TEMPLATE;
    const text = paragraphs(payload.boxes, run, template).map(part => {
      const boxes = payload.boxes.slice(part.start, part.end);
      const dir = direction(boxes.map(box => box.text).join(''));
      const line = h('div', { class: 'iw-run', dir });
      boxes.forEach((box, offset) => {
        directions.push(dir);
        // A line may break where a token begins with a space, and nowhere inside a word.
        if (offset > 0 && /^\s/.test(box.text)) {
          line.append(h('wbr'));
        }
        const item = items[part.start + offset];
        if (item !== undefined) {
          line.append(item);
        }
      });
      return line;
    });
    if (run.label === null) {
      element.append(...text);
    } else {
      element.append(
        h(
          'div',
          {
            class: `iw-turn${template ? ' iw-template' : ''}`,
            role: 'group',
            'aria-label': run.label,
            'data-iw': 'group'
          },
          !template && foreign(run.label, { class: 'iw-turn-label', 'aria-hidden': 'true' }),
          ...text
        )
      );
    }
  }

  const focus = (index: number): void => {
    rove(items, index);
    items[index]?.focus();
  };
  rove(items, 0);

  const indexOf = (target: EventTarget | null): number | null => {
    const token = target instanceof Element ? target.closest<HTMLElement>('.iw-token') : null;
    return token === null ? null : Number(token.dataset.index);
  };
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
