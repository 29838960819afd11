/** The matrix's widget; it fills while a run is under way. */

import { MatrixView, readOptions } from '../views/matrix';
import { mountGrowing } from './growing';
import type { RenderContext } from './model';

export default {
  render: (context: RenderContext): (() => void) =>
    mountGrowing(context, readOptions, (payload, live) => new MatrixView(payload, live))
};
