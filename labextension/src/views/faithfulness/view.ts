/** Faithfulness: a reasoning that a person cuts, strikes and rewrites, and what the answer does then. */

import { CardView } from '../view';
import { drawCard } from './card';
import { whole } from './change';
import { readPayload } from './payload';
import type { Folds } from './card';
import type { Choosing, Live, Options, Place } from './live';
import type { FaithfulnessPayload } from './payload';

export class FaithfulnessView extends CardView<FaithfulnessPayload, Options, Folds> {
  private readonly _own: Folds;

  constructor(payload: unknown, live: Live | null = null, choosing: Choosing | null = null) {
    const folds: Folds = {
      table: false,
      why: false,
      at: null,
      chosen: null,
      change: null,
      writing: false
    };
    const first = readPayload(payload);
    if (typeof first !== 'string') {
      follow(folds, first, choosing?.place ?? null);
    }
    super(
      {
        name: 'faithfulness',
        label: 'Faithfulness',
        folds: () => folds,
        read: readPayload,
        draw: (drawn, awake, own, events) =>
          drawCard(drawn, awake, own, events, { choose: place => choosing?.choose(place) }),
        word: ({ verdict }) => verdict.word,
        said: ({ verdict }) => `${verdict.word}: ${verdict.sentence}`,
        refold: (before, after, own) => {
          if (before.verdict.word !== after.verdict.word) {
            own.why = false;
          }
          const at = own.at ?? before.start;
          const same = before.questions[at]?.question === after.questions[at]?.question;
          if (!same || before.questions[at]?.sentences.length !== after.questions[at]?.sentences.length) {
            Object.assign(own, { at: null, chosen: null, change: null, writing: false });
          }
        }
      },
      payload,
      live
    );
    this._own = folds;
  }

  /** The question and the sentence as Python has them. */
  setPlace(place: Place | null): void {
    const { payload } = this;
    if (typeof payload !== 'string' && follow(this._own, payload, place)) {
      this.redraw();
    }
  }
}

/** Chooses what a place names; false if that is shown already, or is not there. */
function follow(folds: Folds, payload: FaithfulnessPayload, place: Place | null): boolean {
  const at = place === null ? -1 : payload.questions.findIndex(one => one.number === place.question);
  if (place === null || at < 0) {
    return false;
  }
  if (at === (folds.at ?? payload.start)) {
    const same = folds.chosen === place.sentence;
    folds.chosen = place.sentence;
    return !same;
  }
  Object.assign(folds, {
    at,
    chosen: place.sentence,
    change: whole(payload.questions[at]),
    writing: false
  });
  return true;
}
