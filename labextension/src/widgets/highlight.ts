/** The highlight's widget. */

import { HighlightView, readOptions } from '../views/highlight';
import { drawPage } from '../page';
import { mount } from './live';
import type { RenderContext } from './model';

drawPage('highlight', payload => new HighlightView(payload));

export default {
  render: (context: RenderContext): (() => void) =>
    mount(context, readOptions, (payload, live) => new HighlightView(payload, live))
};
