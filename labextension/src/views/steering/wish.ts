/**
 * What a person has set. A slider moves at once; the kernel is asked when it rests for a moment, and an answer to an
 * older question does not move it back.
 */

import type { Settings, SteeringPayload } from './payload';

/** How long a slider rests before the kernel is asked, in milliseconds. */
export const REST = 40;

export class Wish {
  settings: Settings;
  private _asked: string | null = null;
  private _timer: ReturnType<typeof setTimeout> | null = null;

  constructor(settings: Settings) {
    this.settings = structuredClone(settings);
  }

  /** Whether an answer is due. */
  get waiting(): boolean {
    return this._asked !== null && this._timer === null;
  }

  /** Changes some settings; `ask` is called with all of them when the hand rests. */
  change(part: Partial<Settings>, ask: (settings: Settings) => void): void {
    this.settings = { ...this.settings, ...part };
    if (this._timer !== null) {
      clearTimeout(this._timer);
    }
    this._timer = setTimeout(() => {
      this._timer = null;
      this.ask(ask);
    }, REST);
  }

  /** Asks now. */
  ask(ask: (settings: Settings) => void): void {
    this._asked = JSON.stringify(this.settings);
    ask(this.settings);
  }

  /** A result is there: what it was asked with, unless something newer is on its way. */
  settle(payload: SteeringPayload): void {
    if (this._timer !== null) {
      return;
    }
    if (this._asked === null || this._asked === JSON.stringify(ordered(payload.settings, this.settings))) {
      this.reset(payload);
    }
  }

  /** Back to what is shown. */
  reset(payload: SteeringPayload): void {
    this.stop();
    this._asked = null;
    this.settings = structuredClone(payload.settings);
  }

  /** What was asked came to nothing; what is set stays, to be mended. */
  refused(): void {
    this._asked = null;
  }

  stop(): void {
    if (this._timer !== null) {
      clearTimeout(this._timer);
      this._timer = null;
    }
  }
}

/** The same settings with their names in the order of others, so that their JSON compares. */
function ordered(settings: Settings, like: Settings): Settings {
  const strengths = Object.fromEntries(
    Object.keys(like.strengths).map(name => [name, settings.strengths[name] ?? 0])
  );
  const entries = Object.keys(like).map(name => [name, settings[name as keyof Settings]]);
  return { ...(Object.fromEntries(entries) as Settings), strengths };
}
