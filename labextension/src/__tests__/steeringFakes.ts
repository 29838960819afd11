/** The console's fixture, and short ways to move its parts. */

import fixture from './fixtures/steering.json';
import { SteeringView } from '../views/steering';
import { ConsoleView } from '../views/steering/console';
import { onPage, part, parts } from './fakes';
import type { Live, Options, SteeringPayload } from '../views/steering';

export const payload = (): SteeringPayload => structuredClone(fixture) as unknown as SteeringPayload;

export const OPTIONS: Options = {
  live: true,
  positions: [
    { name: 'all', label: 'all positions' },
    { name: 'generated', label: 'what is generated only' }
  ],
  layers: { min: 0, max: 29 },
  most: 256,
  grid: { cells: 42, seconds: 6.2 }
};

export const still = onPage(SteeringView, OPTIONS).still;
const mounted = onPage(ConsoleView, OPTIONS).live;
export const live = (changes: Partial<Live> = {}, picture: unknown = payload()) => mounted(picture, changes);
export const slider = (view: { element: HTMLElement }, at = 0): HTMLInputElement =>
  parts(view, 'slider')[at] as HTMLInputElement;
export const move = (input: HTMLInputElement, value: string): void => {
  input.value = value;
  input.dispatchEvent(new Event('input'));
};
export const texts = (view: { element: HTMLElement }) =>
  ['plain-text', 'steered-text'].map(hook => part(view, hook).textContent);
export const step = (side: number, words: string[]) => ({
  kind: 'steering-step',
  run: 1,
  side,
  pace: '30 ms a token',
  boxes: words.map(text => ({
    ...payload().boxes[0]!,
    text,
    name: text,
    tokens: [],
    scores: [],
    labels: []
  }))
});
