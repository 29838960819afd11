/** The neuron card's widget. */

import { NeuronView, readOptions } from '../views/neuron';
import { mount } from './live';
import type { RenderContext } from './model';

export default {
  render: (context: RenderContext): (() => void) =>
    mount(context, readOptions, (payload, live) => new NeuronView(payload, live))
};
