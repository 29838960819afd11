/** The patching's widget. */

import { PatchView, readOptions } from '../views/patch';
import { mountChosen } from './chosen';
import type { RenderContext } from './model';

export default {
  render: (context: RenderContext): (() => void) =>
    mountChosen(context, readOptions, (payload, live, choosing) => new PatchView(payload, live, choosing))
};
