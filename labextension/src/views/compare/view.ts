/** The comparison: whether several methods agree on which tokens drove the answer. */

import { CardView } from '../view';
import { drawCard } from './card';
import { readPayload } from './payload';
import type { Kind } from '../view';
import type { Folds } from './card';
import type { Live, Options } from './live';
import type { ComparePayload } from './payload';

const COMPARE: Kind<ComparePayload, Options, Folds> = {
  name: 'compare',
  label: 'Comparison',
  folds: () => ({ table: false, settings: false }),
  read: readPayload,
  draw: drawCard,
  word: () => null,
  said: payload => payload.sentence
};

export class CompareView extends CardView<ComparePayload, Options, Folds> {
  constructor(payload: unknown, live: Live | null = null) {
    super(COMPARE, payload, live);
  }
}
