/** Both prompts as running text; what differs is marked, and a token that is pointed at lights its counterpart. */

import { h, foreign } from '../dom';
import type { PatchPayload } from './payload';

export interface Prompts {
  element: HTMLElement;
  /** Lights a token of the patched run and its counterpart; null none. */
  light(token: number | null): void;
}

/** `patched` is the place of the patched run among the two. */
export function drawPrompts(payload: PatchPayload, patched: number): Prompts {
  const items: HTMLElement[][] = [];
  const light = (run: number, token: number | null): void => {
    const found = token === null ? undefined : payload.runs[run]?.tokens[token];
    const lit = [run === 0 ? token : (found?.partner ?? null), run === 1 ? token : (found?.partner ?? null)];
    items.forEach((line, at) =>
      line.forEach((item, place) => item.classList.toggle('iw-lit', found !== undefined && place === lit[at]))
    );
  };
  const lines = payload.runs.map((run, number) => {
    const drawn = run.tokens.map((token, at) => {
      const other = payload.runs[1 - number]?.tokens[token.partner]?.name;
      return h(
        'span',
        {
          class: `iw-piece${token.differs ? ' iw-differing' : ''}`,
          title:
            other === undefined
              ? `${token.name}: none stands for it`
              : `${token.name}: ${other} stands for it`,
          'data-iw': 'piece',
          'data-run': number,
          'data-at': at
        },
        token.text
      );
    });
    items.push(drawn);
    return h(
      'div',
      { class: 'iw-prompt', 'data-iw': 'prompt' },
      h('div', { class: 'iw-turn-label' }, run.name),
      h('div', { class: 'iw-pieces', dir: 'auto' }, ...drawn)
    );
  });
  const pairs = payload.runs[patched]?.tokens.filter(token => token.differs) ?? [];
  const other = payload.runs[1 - patched];
  const told = pairs
    .slice(0, 12)
    .flatMap((token, at) => [
      at > 0 ? ', ' : '',
      foreign(token.name, { class: 'iw-name' }),
      ' by ',
      token.partner < 0 ? 'nothing' : foreign(other?.tokens[token.partner]?.name ?? '', { class: 'iw-name' })
    ]);
  const element = h(
    'div',
    { class: 'iw-prompts' },
    ...lines,
    h(
      'div',
      { class: 'iw-dim iw-pairs', 'data-iw': 'pairs' },
      'Differs, token by token: ',
      ...told,
      pairs.length > 12 ? ' and more' : ''
    )
  );
  const at = (target: EventTarget | null): [number, number] | null => {
    const piece = target instanceof Element ? target.closest<HTMLElement>('.iw-piece') : null;
    return piece === null ? null : [Number(piece.dataset.run), Number(piece.dataset.at)];
  };
  element.addEventListener('pointerover', event => {
    const place = at(event.target);
    light(place?.[0] ?? 0, place?.[1] ?? null);
  });
  element.addEventListener('pointerleave', () => light(0, null));
  return { element, light: token => light(patched, token) };
}
