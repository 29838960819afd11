/** The row of a vector: name, rail with its safe part, strength and bounds; what stands on the rail is the caller's. */

import { h, foreign } from '../dom';
import { strengthLabel } from './payload';
import type { Settings, Vector } from './payload';

const STEP = 0.005;

export interface Rail {
  row: HTMLElement;
  /** Shows a strength in words and figures; returns them. */
  show(strength: number): string;
  /** Takes over a vector; returns the rail's ends. */
  update(vector: Vector, settings: Settings): readonly [number, number];
}

/** A little outwards, so that a bound that is no multiple of the step can be reached. */
function outwards(value: number): number {
  const steps = value / STEP;
  return Number(((value < 0 ? Math.floor(steps + 1e-6) : Math.ceil(steps - 1e-6)) * STEP).toFixed(4));
}

export function drawRail(first: Vector, knob: HTMLElement): Rail {
  let vector = first;
  const safe = h('i', { class: 'iw-safe', 'aria-hidden': 'true' });
  const zero = h('i', { class: 'iw-zero', 'aria-hidden': 'true' });
  const value = h('span', { class: 'iw-number', 'data-iw': 'strength' });
  const bounds = h('span', { class: 'iw-dim iw-bounds', 'data-iw': 'bounds' });
  const where = h('span', { class: 'iw-dim' });
  const pole = (name: string): HTMLElement => foreign(name, { class: 'iw-dim', 'aria-hidden': 'true' });
  const row = h(
    'div',
    { class: 'iw-vector', 'data-iw': 'vector' },
    h('span', { class: 'iw-vector-name' }, foreign(vector.name), ' ', where),
    h(
      'span',
      { class: 'iw-reach' },
      h('span', { class: 'iw-rail' }, safe, zero, knob),
      pole(vector.negative),
      pole(vector.positive)
    ),
    value,
    bounds
  );
  return {
    row,
    show: strength => {
      const label = strengthLabel(strength);
      value.textContent = label;
      value.classList.toggle('iw-warn', strength < vector.low - 1e-9 || strength > vector.high + 1e-9);
      return `${label} of the residual norm, ${strength < 0 ? vector.negative : strength > 0 ? vector.positive : 'not steered'}`;
    },
    update: (next, settings) => {
      vector = next;
      const [low, high] = settings.past ? vector.wide : [vector.low, vector.high];
      const ends = [outwards(low), outwards(high)] as const;
      const width = Math.max(ends[1] - ends[0], STEP);
      const share = (at: number): string => `${(((at - ends[0]) / width) * 100).toFixed(2)}%`;
      safe.style.setProperty('--from', share(vector.low));
      safe.style.setProperty('--to', share(vector.high));
      zero.style.setProperty('--from', share(0));
      knob.style.setProperty('--from', share(settings.strengths[vector.key] ?? 0));
      bounds.textContent = vector.bounds;
      where.textContent = vector.where;
      return ends;
    }
  };
}
