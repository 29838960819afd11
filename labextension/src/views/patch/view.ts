/** Patching: what each activation of one run brings about in the other. */

import { ChosenCardView } from '../chosenView';
import { drawCard } from './card';
import { readPayload } from './payload';
import type { Choosing } from '../chosen';
import type { Folds } from './card';
import type { Live, Options } from './live';
import type { PatchPayload } from './payload';

export class PatchView extends ChosenCardView<PatchPayload, Options, Folds> {
  constructor(payload: unknown, live: Live | null = null, choosing: Choosing | null = null) {
    super(
      { name: 'patch', label: 'Activation patching', read: readPayload, draw: drawCard },
      { table: false, why: false, sheet: null, first: null, chosen: [] },
      payload,
      live,
      choosing
    );
  }
}
