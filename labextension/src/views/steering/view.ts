/** The steering console as a picture: two texts, their gauges, the grid. `ConsoleView` is the one to work with. */

import { CardView } from '../view';
import { drawCard } from './card';
import { readPayload } from './payload';
import { drawStill } from './still';
import type { DrawHands, Folds } from './card';
import type { Live, Options } from './live';
import type { SteeringPayload } from './payload';

export class SteeringView extends CardView<SteeringPayload, Options, Folds> {
  constructor(payload: unknown, live: Live | null = null, drawHands: DrawHands = drawStill) {
    super(
      {
        name: 'steering',
        label: 'Steering console',
        folds: () => ({ table: false, why: false, colour: 0 }),
        read: readPayload,
        draw: (picture, half, folds, events) => drawCard(picture, half, folds, events, drawHands),
        word: ({ verdict }) => verdict?.word ?? null,
        // Under way nothing is said: ten sentences a second help nobody.
        said: ({ draft, verdict }) =>
          draft !== true && verdict !== null ? `${verdict.word}: ${verdict.sentence}` : '',
        refold: (before, after, folds) => {
          if (before.verdict?.word !== after.verdict?.word) {
            folds.why = false;
          }
        }
      },
      payload,
      live
    );
  }
}
