/** The matrix: for each generated token the tokens that it comes from; it fills while the text is written. */

import { CardView } from '../view';
import { drawCard } from './card';
import { isPatch, patched, readPayload } from './payload';
import type { Kind } from '../view';
import type { Folds } from './card';
import type { Live, Options } from './live';
import type { MatrixPayload } from './payload';

const MATRIX: Kind<MatrixPayload, Options, Folds> = {
  name: 'matrix',
  label: 'Sources of generated text',
  folds: () => ({ table: false, why: false, feeds: false }),
  read: readPayload,
  draw: drawCard,
  word: payload => payload.verdict?.word ?? null,
  // Under way nothing is said: ten sentences a second help nobody.
  said: ({ complete, verdict, amount }) =>
    complete && verdict !== null ? `${amount}. ${verdict.word}: ${verdict.sentence}` : '',
  refold: (before, after, folds) => {
    if (before.verdict?.word !== after.verdict?.word) {
      folds.why = false;
    }
  }
};

export class MatrixView extends CardView<MatrixPayload, Options, Folds> {
  constructor(payload: unknown, live: Live | null = null) {
    super(MATRIX, payload, live);
  }

  /** Takes what a run adds; false if it does not fit what is shown, so that the whole is needed. */
  patch(message: unknown): boolean {
    if (!isPatch(message) || typeof this.payload === 'string') {
      return true;
    }
    const next = patched(this.payload, message);
    if (next !== null) {
      this.setPayload(next);
    }
    return next !== null;
  }
}
