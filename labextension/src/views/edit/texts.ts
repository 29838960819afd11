/** What is written before and after, side by side, as one list with one keyboard; what differs is marked. */

import { h, foreign } from '../dom';
import { drawList } from '../list';
import { drawToken, setLines } from '../tokens';
import type { ListEvents, TokenList } from '../list';
import type { EditPayload, Sample } from './payload';

const NO_SCALE = { max: 0, label: '', unit: '' };

export type Texts = Pick<TokenList, 'element' | 'focused' | 'select'>;

/** `index` counts the boxes of the payload. */
export function drawTexts(payload: EditPayload, sample: Sample, events: ListEvents): Texts {
  const first = sample.texts[0]?.start ?? 0;
  const list = drawList('Tokens before and after the edit', {
    look: index => events.look(index === null ? null : index + first),
    choose: (index, how) => events.choose(index + first, how)
  });
  sample.texts.forEach((side, at) => {
    const drawn: HTMLElement[] = [];
    for (let index = side.start; index < side.end; index += 1) {
      const box = payload.boxes[index];
      const token = drawToken(
        { text: box?.text ?? '', name: box?.name ?? '', score: 0, label: '' },
        index - first,
        NO_SCALE
      );
      const differs = box?.differs === true;
      token.classList.toggle(at === 0 ? 'iw-out' : 'iw-in', differs);
      token.setAttribute(
        'aria-label',
        `${box?.name ?? ''}${differs ? (at === 0 ? ', only before' : ', only after') : ''}`
      );
      drawn.push(token);
    }
    const body = h('div', { role: 'group', 'aria-label': `${side.name} the edit`, 'data-iw': side.name });
    body.append(h('div', { class: 'iw-asked', dir: 'auto', 'aria-hidden': 'true' }, foreign(sample.prompt)));
    if (drawn.length === 0) {
      body.append(h('span', { class: 'iw-dim iw-empty' }, 'the model ended at once'));
    } else {
      list.directions.push(
        ...setLines(body, { boxes: payload.boxes.slice(side.start, side.end), groups: [] }, drawn)
      );
    }
    list.items.push(...drawn);
    list.element.append(
      h(
        'div',
        { class: 'iw-side' },
        h('div', { class: 'iw-turn-label', 'aria-hidden': 'true' }, side.name),
        body
      )
    );
  });
  const after = sample.texts[1];
  list.enter(Math.max(0, Math.min((after?.start ?? 0) - first, list.items.length - 1)));
  return {
    element: list.element,
    focused: () => {
      const at = list.focused();
      return at === null ? null : at + first;
    },
    select: boxes => list.select(new Set([...boxes].map(at => at - first)))
  };
}
