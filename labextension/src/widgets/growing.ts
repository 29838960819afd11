/** A widget whose picture grows: a run sends only what is new, and the view asks for the whole where a part is missing. */

import { isRecord } from '../views/payload';
import { mount } from './live';
import type { Asleep, Live } from '../views/status';
import type { LiveView } from './live';
import type { RequestChannel } from './requests';
import type { RenderContext } from './model';

interface GrowingView<O> extends LiveView<O> {
  /** Takes what a run adds; false if it does not fit what is shown. */
  patch(message: unknown): boolean;
}

/** Draws the view of a growing widget; returns what ends it. */
export function mountGrowing<O extends Asleep>(
  context: RenderContext,
  readOptions: (value: unknown) => O,
  draw: (payload: unknown, live: Live<O>) => GrowingView<O>
): () => void {
  let view: GrowingView<O> | null = null;
  const whole = (channel: RequestChannel): void => {
    channel.ask('state').then(
      payload => view?.setPayload(payload),
      () => undefined // the next part asks again
    );
  };
  return mount(
    context,
    readOptions,
    (payload, live) => {
      view = draw(payload, live);
      return view;
    },
    (message, channel) => {
      // "whole": a run ended with the picture that the page's own copy has had all along, which is no change to it.
      if ((isRecord(message) && message.kind === 'whole') || view?.patch(message) === false) {
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
