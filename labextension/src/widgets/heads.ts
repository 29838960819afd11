/** The heads' widget: patterns that the picture does not bring come when their head is chosen. */

import { HeadsView, readOptions } from '../views/heads';
import { drawPage } from '../page';
import { mountChosen } from './chosen';
import type { RenderContext } from './model';

drawPage('heads', payload => new HeadsView(payload));

export default {
  render: (context: RenderContext): (() => void) => {
    const { model } = context;
    let view: HeadsView | null = null;
    const bring = (): void => view?.setPattern(model.get('pattern'));
    const dispose = mountChosen(context, readOptions, (payload, live, choosing) => {
      view = new HeadsView(payload, live, choosing);
      return view;
    });
    bring();
    model.on('change:pattern', bring);
    const end = (): void => {
      model.off('change:pattern', bring);
      dispose();
    };
    context.signal?.addEventListener('abort', end, { once: true });
    return end;
  }
};
