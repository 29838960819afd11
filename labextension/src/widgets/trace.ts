/** The trace's widget. */

import { TraceView, readOptions } from '../views/trace';
import { drawPage } from '../page';
import { mountChosen } from './chosen';
import type { RenderContext } from './model';

drawPage('trace', payload => new TraceView(payload));

export default {
  render: (context: RenderContext): (() => void) =>
    mountChosen(context, readOptions, (payload, live, choosing) => new TraceView(payload, live, choosing))
};
