/** A neuron's card: the texts that activate it most, its histogram, and what its output weight does. */

import { CardView } from '../view';
import { drawCard } from './card';
import { readPayload } from './payload';
import type { Kind } from '../view';
import type { Folds } from './card';
import type { Live, Options } from './live';
import type { NeuronPayload } from './payload';

const NEURON: Kind<NeuronPayload, Options, Folds> = {
  name: 'neuron',
  label: 'Texts that activate a neuron',
  folds: () => ({ table: false, why: false, neuron: null }),
  read: readPayload,
  draw: drawCard,
  word: payload => payload.verdict?.word ?? null,
  said: ({ finding, verdict }) =>
    verdict === null ? finding : `${verdict.word}: ${verdict.sentence}. ${finding}`,
  refold: (before, after, folds) => {
    if (before.verdict?.word !== after.verdict?.word) {
      folds.why = false;
    }
  }
};

export class NeuronView extends CardView<NeuronPayload, Options, Folds> {
  constructor(payload: unknown, live: Live | null = null) {
    super(NEURON, payload, live);
  }
}
