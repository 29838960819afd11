/** The neuron card's widget. */

import { NeuronView, readOptions } from '../views/neuron';
import { drawPage } from '../page';
import { mount } from './live';
import type { RenderContext } from './model';

drawPage('neuron', payload => new NeuronView(payload));

export default {
  render: (context: RenderContext): (() => void) =>
    mount(context, readOptions, (payload, live) => new NeuronView(payload, live))
};
