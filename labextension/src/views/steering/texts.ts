/** Both texts side by side, as one list with one keyboard; each token inked by its score along the chosen vector. */

import { h } from '../dom';
import { drawList } from '../list';
import { drawToken, ink, setLines } from '../tokens';
import type { ListEvents, TokenList } from '../list';
import type { SteeringPayload } from './payload';

export interface Texts extends Pick<TokenList, 'element' | 'focused' | 'select'> {
  update(payload: SteeringPayload): void;
  /** Colours by another vector. */
  colour(index: number): void;
}

export function drawTexts(first: SteeringPayload, vector: number, events: ListEvents): Texts {
  let payload = first;
  let chosen = vector;
  const list = drawList('Tokens of the unsteered and of the steered text', events);
  const sides = first.texts.map((side, at) => {
    const pace = h('span', { class: 'iw-pace', 'data-iw': 'pace' });
    const body = h('div', {
      role: 'group',
      'aria-label': `${side.name} text`,
      'data-iw': at === 0 ? 'plain-text' : 'steered-text'
    });
    list.element.append(
      h(
        'div',
        { class: 'iw-side' },
        h('div', { class: 'iw-turn-label', 'aria-hidden': 'true' }, side.name, ' ', pace),
        body
      )
    );
    return { pace, body };
  });

  const drawBox = (index: number, steered: boolean): HTMLElement => {
    const box = payload.boxes[index];
    const of = payload.vectors[chosen];
    const label = box?.labels[chosen] ?? '';
    const score = box?.scores[chosen] ?? 0;
    const token = drawToken(
      { text: box?.text ?? '', name: box?.name ?? '', score, label },
      index,
      of?.scale ?? { max: 0, label: '', unit: '' }
    );
    const differs = box?.differs === true;
    token.setAttribute(
      'aria-label',
      [box?.name ?? '', label === '' ? '' : ` ${label} ${of?.name ?? ''}`, differs ? ', differs' : ''].join(
        ''
      )
    );
    token.classList.toggle('iw-gone', differs && !steered);
    token.classList.toggle('iw-new', differs && steered);
    return token;
  };
  const fill = (): void => {
    list.items = [];
    list.directions = [];
    payload.texts.forEach((side, at) => {
      const place = sides[at];
      if (place === undefined) {
        return;
      }
      const drawn: HTMLElement[] = [];
      for (let index = side.start; index < side.end; index += 1) {
        drawn.push(drawBox(index, at === 1));
      }
      place.body.replaceChildren();
      place.pace.textContent = side.pace;
      if (drawn.length === 0) {
        place.body.append(
          h(
            'span',
            { class: 'iw-dim iw-empty' },
            payload.complete ? 'the model ended at once' : 'not written yet'
          )
        );
      } else {
        const passage = { boxes: payload.boxes.slice(side.start, side.end), groups: [] };
        list.directions.push(...setLines(place.body, passage, drawn));
      }
      list.items.push(...drawn);
    });
  };
  const enter = (): void => {
    const steered = payload.texts[1];
    const start = steered !== undefined && steered.end > steered.start ? steered.start : 0;
    list.enter(Math.max(0, Math.min(start, list.items.length - 1)));
  };
  fill();
  enter();

  return {
    element: list.element,
    focused: list.focused,
    select: list.select,
    update: next => {
      const at = list.focused();
      const entry = list.items.findIndex(item => item.tabIndex === 0);
      // While a text grows, what stands below stays where it is.
      if (next.draft !== true) {
        list.element.style.removeProperty('min-height');
      } else if (payload.draft !== true) {
        list.element.style.setProperty('min-height', `${list.element.offsetHeight}px`);
      }
      payload = next;
      fill();
      if (entry >= 0 && entry < list.items.length) {
        list.enter(entry);
      } else {
        enter();
      }
      if (at !== null) {
        list.items[Math.min(at, list.items.length - 1)]?.focus({ preventScroll: true });
      }
    },
    colour: index => {
      chosen = index;
      const scale = payload.vectors[index]?.scale.max ?? 0;
      list.items.forEach((item, at) => {
        const score = payload.boxes[at]?.scores[index] ?? 0;
        ink(item, score, scale);
        item.dataset.score = String(score);
      });
    }
  };
}
