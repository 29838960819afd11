/** The highlight: which tokens drove the answer. */

import { CardView } from '../view';
import { drawCard } from './card';
import { readPayload } from './payload';
import type { Kind } from '../view';
import type { Folds } from './card';
import type { Live, Options } from './live';
import type { HighlightPayload } from './payload';

const HIGHLIGHT: Kind<HighlightPayload, Options, Folds> = {
  name: 'highlight',
  label: 'Highlight',
  folds: () => ({ table: false, why: false, settings: false }),
  read: readPayload,
  draw: drawCard,
  word: payload => payload.verdict.word,
  said: payload => `${payload.verdict.word}: ${payload.verdict.sentence}`,
  refold: (before, after, folds) => {
    if (before.verdict.word !== after.verdict.word) {
      folds.why = false;
    }
  }
};

export class HighlightView extends CardView<HighlightPayload, Options, Folds> {
  constructor(payload: unknown, live: Live | null = null) {
    super(HIGHLIGHT, payload, live);
  }
}
