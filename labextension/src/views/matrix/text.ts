/** Prompt and generated text, one after the other, as running text with one keyboard. */

import { h } from '../dom';
import { rove, step, take } from '../keys';
import { drawToken, indexOf, ink, rowStep, setLines } from '../tokens';
import type { How } from '../selection';
import type { MatrixPayload } from './payload';

export interface TextEvents {
  look(index: number | null): void;
  choose(index: number, how: How): void;
  turn(): void;
}

/** Scores for the boxes that are lit, by their index, and the largest of them. */
export interface Lit {
  scores: ReadonlyMap<number, { score: number; label: string }>;
  max: number;
}

export interface Text {
  element: HTMLElement;
  items: HTMLElement[];
  /** Takes over a picture that has grown. */
  update(payload: MatrixPayload): void;
  /** Inks the boxes, and frames the one that they belong to. */
  light(lit: Lit, from: number | null): void;
  select(boxes: ReadonlySet<number>): void;
  focus(index: number): void;
  focused(): number | null;
}

export function drawText(first: MatrixPayload, events: TextEvents): Text {
  let payload = first;
  let items: HTMLElement[] = [];
  let directions: ('ltr' | 'rtl')[] = [];
  const prompt = h('div', { role: 'group', 'aria-label': 'Prompt', 'data-iw': 'prompt' });
  const written = h('div', { role: 'group', 'aria-label': 'Generated text', 'data-iw': 'generated' });
  const element = h(
    'div',
    {
      class: 'iw-tokens',
      role: 'listbox',
      'aria-multiselectable': 'true',
      'aria-orientation': 'horizontal',
      'aria-label': 'Tokens of prompt and generated text',
      'data-iw': 'tokens'
    },
    h('div', { class: 'iw-turn-label', 'aria-hidden': 'true' }, 'prompt'),
    prompt,
    h('div', { class: 'iw-turn-label', 'aria-hidden': 'true' }, 'generated'),
    written
  );

  const drawBox = (index: number): HTMLElement => {
    const box = payload.boxes[index];
    const row = payload.rows.find(found => found.box === index);
    const token = drawToken(
      { text: box?.text ?? '', name: box?.name ?? '', score: 0, label: '' },
      index,
      payload.scale
    );
    token.setAttribute(
      'aria-label',
      row === undefined ? (box?.name ?? '') : `${box?.name ?? ''}, probability ${row.label}`
    );
    if (row !== undefined) {
      token.classList.add('iw-said');
      token.style.setProperty('--p', row.probability.toFixed(4));
      token.dataset.probability = row.label;
    }
    return token;
  };
  const fill = (place: HTMLElement, from: number, to: number, grouped: boolean): void => {
    const drawn: HTMLElement[] = [];
    for (let index = from; index < to; index += 1) {
      drawn.push(drawBox(index));
    }
    place.replaceChildren();
    const passage = { boxes: payload.boxes.slice(from, to), groups: grouped ? payload.groups : [] };
    const found = setLines(place, passage, drawn);
    items = [...items.slice(0, from), ...drawn];
    directions = [...directions.slice(0, from), ...found];
  };
  fill(prompt, 0, payload.prompt, true);
  fill(written, payload.prompt, payload.boxes.length, false);
  rove(items, Math.min(payload.prompt, items.length - 1));

  const focus = (index: number): void => {
    rove(items, index);
    items[index]?.focus();
  };
  const focused = (): number | null =>
    element.contains(document.activeElement) ? indexOf(document.activeElement) : null;

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
    if (event.key === 'r') {
      take(event);
      events.turn();
      return;
    }
    const mirrored: Record<string, string> = { ArrowLeft: 'ArrowRight', ArrowRight: 'ArrowLeft' };
    const key = directions[index] === 'rtl' ? (mirrored[event.key] ?? event.key) : event.key;
    const to =
      key === 'ArrowUp' || key === 'ArrowDown'
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

  let selected: ReadonlySet<number> = new Set();
  const mark = (): void =>
    items.forEach((item, index) => item.setAttribute('aria-selected', String(selected.has(index))));
  return {
    element,
    get items() {
      return items;
    },
    focus,
    focused,
    update: next => {
      const at = focused();
      const entry = items.findIndex(item => item.tabIndex === 0);
      const same = next.prompt === payload.prompt && next.boxes[0] === payload.boxes[0];
      payload = next;
      if (!same) {
        fill(prompt, 0, payload.prompt, true);
      }
      fill(written, payload.prompt, payload.boxes.length, false);
      rove(items, Math.max(0, Math.min(entry, items.length - 1)));
      mark();
      if (at !== null && at >= payload.prompt) {
        items[at]?.focus({ preventScroll: true });
      }
    },
    light: ({ scores, max }, from) => {
      items.forEach((item, index) => {
        const found = scores.get(index);
        ink(item, found?.score ?? null, max);
        item.dataset.score = String(found?.score ?? 0);
        item.classList.toggle('iw-lit', index === from);
      });
    },
    select: boxes => {
      selected = boxes;
      mark();
    }
  };
}
