/** The console at work: sliders that ask, and texts that appear while they are written. */

import { drawHands } from './hands';
import { drafted, isStep } from './payload';
import { drawStill } from './still';
import { SteeringView } from './view';
import type { Status } from '../status';
import type { Held } from './hands';
import type { Live } from './live';

export class ConsoleView extends SteeringView {
  private _whole: unknown;

  constructor(payload: unknown, live: Live | null = null) {
    const held: Held = { open: false, wish: null };
    super(payload, live, (picture, half, events) =>
      half === null ? drawStill(picture) : drawHands(picture, half, held, events)
    );
    this._whole = payload;
  }

  override setPayload(payload: unknown): void {
    this._whole = payload;
    super.setPayload(payload);
  }

  /** Shows a text as far as it is written; the rest is of the last result until there is a new one. */
  step(message: unknown): void {
    if (isStep(message) && typeof this.payload !== 'string') {
      super.setPayload(drafted(this.payload, message));
    }
  }

  override setStatus(status: Status): void {
    if (status.state === 'cancelled' || status.state === 'error') {
      super.setPayload(this._whole); // of the texts that were begun nothing stays
    }
    super.setStatus(status);
  }
}
