/** Cards that stand below a widget's own: widgets of the same kernel, named by the trait `beneath`. */

import { h } from '../views/dom';
import { holdPictures } from '../views/keeping';
import type { RenderContext } from './model';

function readIds(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** Draws them and keeps them in step; returns what ends it. `missing` is said where the host cannot draw them. */
export function mountBeneath({ model, el, host }: RenderContext, missing: string): () => void {
  const place = h('div', { 'data-iw': 'beneath' });
  const drawn = new Map<string, { card: HTMLElement; abort: AbortController }>();
  holdPictures(place);
  el.append(place);

  const drop = (id: string): void => {
    const gone = drawn.get(id);
    drawn.delete(id);
    gone?.abort.abort();
    gone?.card.remove();
  };
  const add = (id: string): void => {
    const card = h('div', { 'data-iw': 'below' });
    const abort = new AbortController();
    drawn.set(id, { card, abort });
    place.append(card);
    const fail = (): void => {
      if (!abort.signal.aborted) {
        card.replaceChildren(h('p', {}, missing));
      }
    };
    if (host === undefined) {
      fail();
    } else {
      host
        .getWidget(`anywidget:${id}`)
        .then(widget =>
          abort.signal.aborted ? undefined : widget.render({ el: card, signal: abort.signal })
        )
        .catch(fail);
    }
  };
  const show = (): void => {
    const ids = readIds(model.get('beneath'));
    [...drawn.keys()].filter(id => !ids.includes(id)).forEach(drop);
    ids.filter(id => !drawn.has(id)).forEach(add);
  };
  model.on('change:beneath', show);
  show();
  return () => {
    model.off('change:beneath', show);
    [...drawn.keys()].forEach(drop);
    place.remove();
  };
}
