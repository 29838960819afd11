/** A slider for each vector, bounded by what was measured to be safe, and the switch that goes past it. */

import { h, button } from '../dom';
import { take } from '../keys';
import { drawRail } from './rail';
import type { Settings, SteeringPayload, Vector } from './payload';

const STEP = 0.005;

export interface SliderEvents {
  strength(key: string, value: number): void;
  past(on: boolean): void;
  help(): void;
}

export interface Sliders {
  element: HTMLElement;
  update(vectors: readonly Vector[], settings: Settings): void;
}

/** What was measured nearest to a strength. */
function damage(vector: Vector, strength: number): string {
  const nearest = [...vector.measured].sort(
    (a, b) => Math.abs(a.strength - strength) - Math.abs(b.strength - strength)
  )[0];
  return nearest?.words ?? vector.unmeasured;
}

function drawSlider(first: Vector, on: boolean, events: SliderEvents) {
  let vector = first;
  let bounds: [number, number] = [first.low, first.high];
  const input = h('input', {
    class: 'iw-slider',
    type: 'range',
    step: STEP,
    disabled: !on,
    'data-iw': 'slider',
    'data-id': vector.key
  });
  const rail = drawRail(first, input);
  const show = (strength: number): void => input.setAttribute('aria-valuetext', rail.show(strength));
  const tell = (): void => {
    // A bound that is no multiple of the step is kept exactly.
    const strength = Math.min(bounds[1], Math.max(bounds[0], Number(Number(input.value).toFixed(4))));
    show(strength);
    events.strength(vector.key, strength);
  };
  input.addEventListener('input', tell);
  input.addEventListener('keydown', event => {
    if (event.key === '0' && !event.ctrlKey && !event.metaKey) {
      take(event);
      input.value = '0';
      tell();
    } else if (event.key === '?') {
      take(event);
      events.help();
    }
  });
  return {
    row: rail.row,
    update: (next: Vector, settings: Settings): void => {
      vector = next;
      bounds = settings.past ? vector.wide : [vector.low, vector.high];
      const [min, max] = rail.update(next, settings);
      const strength = settings.strengths[vector.key] ?? 0;
      input.min = String(min);
      input.max = String(max);
      if (document.activeElement !== input || Number(input.value) !== strength) {
        input.value = String(strength);
      }
      input.setAttribute('aria-label', `${vector.name}: ${vector.negative} to ${vector.positive}`);
      show(strength);
    },
    words: (settings: Settings): string => damage(vector, settings.strengths[vector.key] ?? 0)
  };
}

export function drawSliders(
  payload: SteeringPayload,
  settings: Settings,
  on: boolean,
  events: SliderEvents
): Sliders {
  const words = h('p', { class: 'iw-damage', 'aria-live': 'polite', 'data-iw': 'damage' });
  let now = settings;
  const tell = (): void => {
    words.hidden = !now.past;
    words.textContent = now.past ? rows.map(row => row.words(now)).join(' ') : '';
  };
  const rows = payload.vectors.map(vector =>
    drawSlider(vector, on, {
      ...events,
      strength: (key, value) => {
        now = { ...now, strengths: { ...now.strengths, [key]: value } };
        tell();
        events.strength(key, value);
      }
    })
  );
  const past = button(
    { class: 'iw-switch', role: 'switch', 'data-iw': 'past', disabled: !on },
    h('span', {}, 'Go past the bounds'),
    () => events.past(!now.past)
  );
  const element = h(
    'div',
    { class: 'iw-sliders', 'data-iw': 'sliders' },
    ...rows.map(({ row }) => row),
    h('div', { class: 'iw-strip iw-past' }, past),
    words
  );
  const sliders: Sliders = {
    element,
    update: (next, wanted) => {
      now = wanted;
      next.forEach((vector, at) => rows[at]?.update(vector, wanted));
      past.setAttribute('aria-checked', String(wanted.past));
      tell();
    }
  };
  sliders.update(payload.vectors, settings);
  return sliders;
}
