/** An erasure: what is left of a concept after it was erased, and what erasing it cost. */

import { CardView } from '../view';
import { drawCard } from './card';
import { readPayload } from './payload';
import type { Folds } from './card';
import type { Live, Options } from './live';
import type { ErasurePayload } from './payload';

export class ErasureView extends CardView<ErasurePayload, Options, Folds> {
  constructor(payload: unknown, live: Live | null = null) {
    super(
      {
        name: 'erasure',
        label: 'Erasure',
        folds: () => ({ table: false, why: false, plane: 'concept', place: null }),
        read: readPayload,
        draw: drawCard,
        word: ({ verdict }) => verdict.word,
        said: ({ verdict }) => `${verdict.word}: ${verdict.sentence}`,
        refold: (before, after, folds) => {
          if (before.verdict.word !== after.verdict.word) {
            folds.why = false;
          }
          if (before.places.map(({ name }) => name).join() !== after.places.map(({ name }) => name).join()) {
            folds.place = null;
          }
        }
      },
      payload,
      live
    );
  }
}
