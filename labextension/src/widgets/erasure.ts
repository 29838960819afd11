/** The erasure's widget. */

import { ErasureView, readOptions } from '../views/erasure';
import { drawPage } from '../page';
import { mount } from './live';
import type { RenderContext } from './model';

drawPage('erasure', payload => new ErasureView(payload));

export default {
  render: (context: RenderContext): (() => void) =>
    mount(context, readOptions, (payload, live) => new ErasureView(payload, live))
};
