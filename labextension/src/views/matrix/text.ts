/** Prompt and generated text, one after the other, as running text with one keyboard. */

import { h } from '../dom';
import { drawList } from '../list';
import { drawToken, ink, setLines } from '../tokens';
import type { ListEvents, TokenList } from '../list';
import type { MatrixPayload } from './payload';

/** Scores for the boxes that are lit, by their index, and the largest of them. */
export interface Lit {
  scores: ReadonlyMap<number, { score: number; label: string }>;
  max: number;
}

export interface Text extends Pick<TokenList, 'element' | 'focused' | 'select'> {
  /** Takes over a picture that has grown. */
  update(payload: MatrixPayload): void;
  /** Inks the boxes, and frames the one that they belong to. */
  light(lit: Lit, from: number | null): void;
}

export function drawText(first: MatrixPayload, events: ListEvents): Text {
  let payload = first;
  const prompt = h('div', { role: 'group', 'aria-label': 'Prompt', 'data-iw': 'prompt' });
  const written = h('div', { role: 'group', 'aria-label': 'Generated text', 'data-iw': 'generated' });
  const list = drawList('Tokens of prompt and generated text', events);
  list.element.append(
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
    list.items = [...list.items.slice(0, from), ...drawn];
    list.directions = [...list.directions.slice(0, from), ...found];
  };
  fill(prompt, 0, payload.prompt, true);
  fill(written, payload.prompt, payload.boxes.length, false);
  list.enter(Math.min(payload.prompt, list.items.length - 1));

  return {
    element: list.element,
    focused: list.focused,
    select: list.select,
    update: next => {
      const at = list.focused();
      const entry = list.items.findIndex(item => item.tabIndex === 0);
      const same = next.prompt === payload.prompt && next.boxes[0] === payload.boxes[0];
      payload = next;
      if (!same) {
        fill(prompt, 0, payload.prompt, true);
      }
      fill(written, payload.prompt, payload.boxes.length, false);
      list.enter(Math.max(0, Math.min(entry, list.items.length - 1)));
      if (at !== null && at >= payload.prompt) {
        list.items[at]?.focus({ preventScroll: true });
      }
    },
    light: ({ scores, max }, from) => {
      list.items.forEach((item, index) => {
        const found = scores.get(index);
        ink(item, found?.score ?? null, max);
        item.dataset.score = String(found?.score ?? 0);
        item.classList.toggle('iw-lit', index === from);
      });
    }
  };
}
