/** The trace: where restoring a part of the clean run brings the answer back. */

import { ChosenCardView } from '../chosenView';
import { drawCard } from './card';
import { readPayload } from './payload';
import type { Choosing } from '../chosen';
import type { Folds } from './card';
import type { Live, Options } from './live';
import type { TracePayload } from './payload';

export class TraceView extends ChosenCardView<TracePayload, Options, Folds> {
  constructor(payload: unknown, live: Live | null = null, choosing: Choosing | null = null) {
    super(
      { name: 'trace', label: 'Causal trace', read: readPayload, draw: drawCard },
      {
        table: false,
        why: false,
        sheet: null,
        chosen: [],
        editing: { open: false, answer: '', method: null }
      },
      payload,
      live,
      choosing
    );
  }
}
