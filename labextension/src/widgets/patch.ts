/** The patching's widget. */

import { PatchView, readOptions } from '../views/patch';
import { drawPage } from '../page';
import { mountChosen } from './chosen';
import type { RenderContext } from './model';

drawPage('patch', payload => new PatchView(payload));

export default {
  render: (context: RenderContext): (() => void) =>
    mountChosen(context, readOptions, (payload, live, choosing) => new PatchView(payload, live, choosing))
};
