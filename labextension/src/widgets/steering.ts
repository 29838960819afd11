/** The console's widget: texts come word by word in messages, whole results as the picture. */

import { ConsoleView } from '../views/steering/console';
import { SteeringView } from '../views/steering';
import { readOptions } from '../views/steering/live';
import { drawPage } from '../page';
import { mount } from './live';
import type { RenderContext } from './model';

drawPage('steering', payload => new SteeringView(payload));

export default {
  render: (context: RenderContext): (() => void) => {
    let view: ConsoleView | null = null;
    return mount(
      context,
      readOptions,
      (payload, live) => {
        view = new ConsoleView(payload, live);
        return view;
      },
      message => view?.step(message)
    );
  }
};
