/** The comparison's widget. */

import { CompareView, readOptions } from '../views/compare';
import { drawPage } from '../page';
import { mount } from './live';
import type { RenderContext } from './model';

drawPage('compare', payload => new CompareView(payload));

export default {
  render: (context: RenderContext): (() => void) =>
    mount(context, readOptions, (payload, live) => new CompareView(payload, live))
};
