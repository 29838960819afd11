/** The logit lens: what the model would say after each layer; it fills layer by layer while it is read. */

import { CardView } from '../view';
import { drawCard } from './card';
import { isPatch, patched, readPayload } from './payload';
import type { Kind } from '../view';
import type { Folds } from './card';
import type { Live, Options } from './live';
import type { LensPayload } from './payload';

const LENS: Kind<LensPayload, Options, Folds> = {
  name: 'lens',
  label: 'What the model would say after each layer',
  folds: () => ({ table: false, why: false, chosen: null }),
  read: readPayload,
  draw: drawCard,
  word: payload => payload.verdict?.word ?? null,
  // Under way nothing is said: ten sentences a second help nobody.
  said: ({ complete, verdict, stories }) =>
    complete && verdict !== null ? `${stories.at(-1) ?? ''}. ${verdict.word}: ${verdict.sentence}` : '',
  refold: (before, after, folds) => {
    if (before.verdict?.word !== after.verdict?.word) {
      folds.why = false;
    }
    const name = folds.chosen === null ? '' : (before.words[folds.chosen.id] ?? '');
    const id = after.words.indexOf(name);
    if (folds.chosen !== null) {
      const there = id >= 0 && folds.chosen.column < after.boxes.length;
      folds.chosen = there ? { ...folds.chosen, id } : null;
    }
  }
};

export class LensView extends CardView<LensPayload, Options, Folds> {
  constructor(payload: unknown, live: Live | null = null) {
    super(LENS, payload, live);
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
