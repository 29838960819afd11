/** An edit: what the model writes and knows without it and with it. */

import { CardView } from '../view';
import { drawCard } from './card';
import { readPayload } from './payload';
import type { Folds } from './card';
import type { Live, Options } from './live';
import type { EditPayload } from './payload';

export class EditView extends CardView<EditPayload, Options, Folds> {
  constructor(payload: unknown, live: Live | null = null) {
    super(
      {
        name: 'edit',
        label: 'Edit',
        folds: () => ({
          table: false,
          why: false,
          sample: 0,
          folded: new Map(),
          open: false,
          wish: null
        }),
        read: readPayload,
        draw: drawCard,
        word: ({ verdict }) => verdict.word,
        said: ({ verdict }) => `${verdict.word}: ${verdict.sentence}`,
        refold: (before, after, folds) => {
          if (before.verdict.word !== after.verdict.word) {
            folds.why = false;
          }
          if (after.samples.length > before.samples.length) {
            folds.sample = after.samples.length - 1; // what was asked for is what is shown
          }
          if (before.edit !== after.edit) {
            folds.wish = null;
            folds.folded.clear();
          }
        }
      },
      payload,
      live
    );
  }
}
