/** The widget of a faithfulness result; its trait `place` is the chosen question and sentence. */

import { FaithfulnessView, readOptions, readPlace } from '../views/faithfulness';
import { drawPage } from '../page';
import { mount } from './live';
import type { RenderContext } from './model';

drawPage('faithfulness', payload => new FaithfulnessView(payload));

export default {
  render: (context: RenderContext): (() => void) => {
    const { model } = context;
    let view: FaithfulnessView | null = null;
    const follow = (): void => view?.setPlace(readPlace(model.get('place')));
    const dispose = mount(context, readOptions, (payload, live) => {
      view = new FaithfulnessView(payload, live, {
        place: readPlace(model.get('place')),
        choose: place => {
          model.set('place', [place.question, place.sentence]);
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
};
