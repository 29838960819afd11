/** A view with sheets, one of which is shown, and a cell that can be chosen from both sides. */

import { sameChosen } from './chosen';
import { CardView } from './view';
import type { Choosing, Chosen } from './chosen';
import type { Picture, Verdict } from './payload';
import type { Asleep, Live } from './status';
import type { Card, CardEvents } from './view';

/** What of the folds such a view needs. */
export interface ChosenFolds {
  why: boolean;
  /** The key of the sheet that is shown; null is the first. */
  sheet: string | null;
  chosen: Chosen;
}

interface SheetPicture extends Picture {
  verdict: Verdict;
  sheets: { key: string }[];
}

/** What makes one such view; `tell` hears of a cell that was chosen or let go. */
interface ChosenKind<P, O extends Asleep, F> {
  name: string;
  label: string;
  read(value: unknown): P | string;
  draw(
    payload: P,
    live: Live<O> | null,
    folds: F,
    events: CardEvents,
    tell: (chosen: Chosen) => void
  ): Card<P>;
}

export class ChosenCardView<P extends SheetPicture, O extends Asleep, F extends ChosenFolds> extends CardView<
  P,
  O,
  F
> {
  constructor(
    kind: ChosenKind<P, O, F>,
    private readonly _kept: F,
    payload: unknown,
    live: Live<O> | null,
    choosing: Choosing | null
  ) {
    _kept.chosen = choosing?.chosen ?? [];
    super(
      {
        name: kind.name,
        label: kind.label,
        folds: () => _kept,
        read: value => kind.read(value),
        draw: (picture, half, folds, events) =>
          kind.draw(picture, half, folds, events, chosen => choosing?.choose(chosen)),
        word: ({ verdict }) => verdict.word,
        said: ({ verdict }) => `${verdict.word}: ${verdict.sentence}`,
        refold: (before, after, folds) => {
          if (before.verdict.word !== after.verdict.word) {
            folds.why = false;
          }
          const news = after.sheets.find(one => before.sheets.every(({ key }) => key !== one.key));
          if (news !== undefined) {
            folds.sheet = news.key; // what was asked for is what is shown
          }
        }
      },
      payload,
      live
    );
  }

  /** The chosen cell as Python has it. */
  setChosen(chosen: Chosen): void {
    if (sameChosen(this._kept.chosen, chosen)) {
      return;
    }
    this._kept.chosen = chosen;
    this._kept.sheet = chosen[0] ?? this._kept.sheet;
    this.redraw();
  }
}
