/** The lens's widget; it fills while a run is under way. */

import { LensView, readOptions } from '../views/lens';
import { drawPage } from '../page';
import { mountGrowing } from './growing';
import type { RenderContext } from './model';

drawPage('lens', payload => new LensView(payload));

export default {
  render: (context: RenderContext): (() => void) =>
    mountGrowing(context, readOptions, (payload, live) => new LensView(payload, live))
};
