/** The edit's widget. */

import { EditView, readOptions } from '../views/edit';
import { drawPage } from '../page';
import { mount } from './live';
import type { RenderContext } from './model';

drawPage('edit', payload => new EditView(payload));

export default {
  render: (context: RenderContext): (() => void) =>
    mount(context, readOptions, (payload, live) => new EditView(payload, live))
};
