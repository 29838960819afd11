/** The matrix's widget; it fills while a run is under way. */

import { MatrixView, readOptions } from '../views/matrix';
import { drawPage } from '../page';
import { mountGrowing } from './growing';
import type { RenderContext } from './model';

drawPage('matrix', payload => new MatrixView(payload));

export default {
  render: (context: RenderContext): (() => void) =>
    mountGrowing(context, readOptions, (payload, live) => new MatrixView(payload, live))
};
