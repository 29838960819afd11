import { MIME_TYPE, NeuronView } from '../views/neuron';
import { drawPage } from '../page';

drawPage({ mime: MIME_TYPE, name: 'neuron', draw: payload => new NeuronView(payload) });
