/** The heads: where each looks, and what the answer loses without it. */

import { CardView } from '../view';
import { drawCard } from './card';
import { isPattern, readPayload } from './payload';
import type { Choosing, Chosen } from '../chosen';
import type { Folds } from './card';
import type { Live, Options } from './live';
import type { HeadsPayload } from './payload';

export class HeadsView extends CardView<HeadsPayload, Options, Folds> {
  private readonly _kept: Folds;

  constructor(payload: unknown, live: Live | null = null, choosing: Choosing | null = null) {
    const folds: Folds = { table: false, why: false, chosen: choosing?.chosen ?? [], extra: [] };
    super(
      {
        name: 'heads',
        label: 'Attention heads',
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
          if (before.tokens.join('\u0000') !== after.tokens.join('\u0000')) {
            kept.extra = []; // of another prompt
          }
        }
      },
      payload,
      live
    );
    this._kept = folds;
  }

  /** The chosen head as Python has it. */
  setChosen(chosen: Chosen): void {
    const before = this._kept.chosen;
    if (before.length !== chosen.length || before.some((part, at) => part !== chosen[at])) {
      this._kept.chosen = chosen;
      this.redraw();
    }
  }

  /** A pattern that the picture did not bring. */
  setPattern(pattern: unknown): void {
    if (isPattern(pattern)) {
      const others = this._kept.extra.filter(one => one.head !== pattern.head || one.layer !== pattern.layer);
      this._kept.extra = [...others, pattern];
      this.redraw();
    }
  }
}
