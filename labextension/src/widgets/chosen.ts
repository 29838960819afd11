/** A widget with a chosen cell: the trait `place` on one side, the view's chosen cell on the other. */

import { readChosen } from '../views/chosen';
import { mount } from './live';
import type { Choosing, Chosen } from '../views/chosen';
import type { Asleep, Live } from '../views/status';
import type { LiveView } from './live';
import type { RenderContext } from './model';

export interface ChosenView<O> extends LiveView<O> {
  setChosen(chosen: Chosen): void;
}

/** As `mount`, and keeps the chosen cell in step. */
export function mountChosen<O extends Asleep>(
  context: RenderContext,
  readOptions: (value: unknown) => O,
  draw: (payload: unknown, live: Live<O>, choosing: Choosing) => ChosenView<O>
): () => void {
  const { model } = context;
  let view: ChosenView<O> | null = null;
  const follow = (): void => view?.setChosen(readChosen(model.get('place')));
  const dispose = mount(context, readOptions, (payload, live) => {
    view = draw(payload, live, {
      chosen: readChosen(model.get('place')),
      choose: chosen => {
        model.set('place', chosen);
        model.save_changes();
      }
    });
    return view;
  });
  model.on('change:place', follow);
  const end = (): void => {
    model.off('change:place', follow);
    dispose();
  };
  context.signal?.addEventListener('abort', end, { once: true });
  return end;
}
