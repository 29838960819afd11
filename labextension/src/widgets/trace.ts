/** The trace's widget; below it what an edit from here changes, and the trace after it. */

import { TraceView, readOptions } from '../views/trace';
import { drawPage } from '../page';
import { mountBeneath } from './beneath';
import { mountChosen } from './chosen';
import type { RenderContext } from './model';

drawPage('trace', payload => new TraceView(payload));

const MISSING =
  'This host draws one card a cell: show widget.diff, what the edit changes, or widget.after, the trace after it, in cells.';

export default {
  render: (context: RenderContext): (() => void) => {
    const end = mountChosen(
      context,
      readOptions,
      (payload, live, choosing) => new TraceView(payload, live, choosing)
    );
    const endBeneath = mountBeneath(context, MISSING);
    const dispose = (): void => {
      endBeneath();
      end();
    };
    context.signal?.addEventListener('abort', dispose, { once: true });
    return dispose;
  }
};
