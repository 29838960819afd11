/** The trace: where restoring a part of the clean run brings the answer back. */

import { CardView } from '../view';
import { drawCard } from './card';
import { readPayload } from './payload';
import type { Choosing, Chosen } from '../chosen';
import type { Folds } from './card';
import type { Live, Options } from './live';
import type { TracePayload } from './payload';

export class TraceView extends CardView<TracePayload, Options, Folds> {
  private readonly _folds0: Folds;

  constructor(payload: unknown, live: Live | null = null, choosing: Choosing | null = null) {
    const folds: Folds = { table: false, why: false, sheet: null, chosen: choosing?.chosen ?? [] };
    super(
      {
        name: 'trace',
        label: 'Causal trace',
        folds: () => folds,
        read: readPayload,
        draw: (picture, half, kept, events) =>
          drawCard(picture, half, kept, events, chosen => choosing?.choose(chosen)),
        word: ({ verdict }) => verdict.word,
        said: ({ verdict }) => `${verdict.word}: ${verdict.sentence}`,
        refold: (before, after, kept) => {
          if (before.verdict.word !== after.verdict.word) {
            kept.why = false;
          }
          const news = after.sheets.filter(one => before.sheets.every(({ key }) => key !== one.key));
          if (news[0] !== undefined) {
            kept.sheet = news[0].key; // what was asked for is what is shown
          }
        }
      },
      payload,
      live
    );
    this._folds0 = folds;
  }

  /** The chosen cell as Python has it. */
  setChosen(chosen: Chosen): void {
    const before = this._folds0.chosen;
    if (before.length === chosen.length && before.every((part, at) => part === chosen[at])) {
      return;
    }
    this._folds0.chosen = chosen;
    if (chosen.length > 0) {
      this._folds0.sheet = chosen[0] ?? null;
    }
    this.redraw();
  }
}
