/** The highlight's widget. */

import { HighlightView, readOptions } from '../views/highlight';
import { mount } from './live';
import type { RenderContext } from './model';

export default {
  render: (context: RenderContext): (() => void) =>
    mount(context, readOptions, (payload, live) => new HighlightView(payload, live))
};
