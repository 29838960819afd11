/** The comparison's widget. */

import { CompareView, readOptions } from '../views/compare';
import { mount } from './live';
import type { RenderContext } from './model';

export default {
  render: (context: RenderContext): (() => void) =>
    mount(context, readOptions, (payload, live) => new CompareView(payload, live))
};
