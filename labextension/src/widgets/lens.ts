/** The lens's widget: a run sends only what is new, and the view asks for the whole where a part is missing. */

import { LensView, readOptions } from '../views/lens';
import { isRecord } from '../views/payload';
import { mount } from './live';
import type { RequestChannel } from './requests';
import type { RenderContext } from './model';

export default {
  render: (context: RenderContext): (() => void) => {
    let view: LensView | null = null;
    const whole = (channel: RequestChannel): void => {
      channel.ask('state').then(
        payload => view?.setPayload(payload),
        () => undefined // the next rows ask again
      );
    };
    return mount(
      context,
      readOptions,
      (payload, live) => {
        view = new LensView(payload, live);
        return view;
      },
      (message, channel) => {
        if (view?.patch(message) === false) {
          whole(channel);
        }
      },
      channel => {
        const payload = context.model.get('payload');
        // A run may be under way, of which the page's own copy knows nothing.
        if (isRecord(payload) && payload.complete === false) {
          whole(channel);
        }
      }
    );
  }
};
