/** The lens's widget; it fills while a run is under way. */

import { LensView, readOptions } from '../views/lens';
import { mountGrowing } from './growing';
import type { RenderContext } from './model';

export default {
  render: (context: RenderContext): (() => void) =>
    mountGrowing(context, readOptions, (payload, live) => new LensView(payload, live))
};
