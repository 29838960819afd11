/** What a saved picture has in place of what can be set: the prompt, and where each slider stood. */

import { h } from '../dom';
import { drawRail } from './rail';
import type { Status } from '../status';
import type { SteeringPayload } from './payload';

/** The part of the card that a person sets things with. */
export interface Hands {
  head: HTMLElement;
  panel: HTMLElement | null;
  prompt: HTMLElement;
  vectors: HTMLElement;
  /** Asks for the grid, for a vector; null where nothing can be asked. */
  fill: ((vector: string) => void) | null;
  cost: string;
  /** Takes over a result; false where the card has to be drawn anew. */
  update(payload: SteeringPayload): boolean;
  status(status: Status, payload: SteeringPayload): void;
  /** Closes what is open; false if nothing was. */
  close(): boolean;
  dispose(): void;
}

export function stillPrompt({ prompt }: SteeringPayload): HTMLElement {
  return h(
    'div',
    { class: 'iw-prompt' },
    h('span', { class: 'iw-dim' }, prompt.note === '' ? 'Prompt' : `Prompt (${prompt.note})`),
    h('div', { class: 'iw-prompt-text', dir: 'auto', 'data-iw': 'prompt' }, prompt.text)
  );
}

export function drawStill(payload: SteeringPayload): Hands {
  const rows = payload.vectors.map(vector => {
    const rail = drawRail(vector, h('i', { class: 'iw-knob', 'aria-hidden': 'true' }));
    rail.update(vector, payload.settings);
    rail.show(vector.strength);
    return rail.row;
  });
  return {
    head: h('div', { class: 'iw-controls' }),
    panel: null,
    prompt: stillPrompt(payload),
    vectors: h('div', { class: 'iw-sliders', 'data-iw': 'sliders' }, ...rows),
    fill: null,
    cost: '',
    update: () => false,
    status: () => undefined,
    close: () => false,
    dispose: () => undefined
  };
}
