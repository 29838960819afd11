/** Which two of the three axes are drawn, and where a point lies on them. */

import type { ErasurePayload, Point } from './payload';

/** Numbers of the axes: across, and up. */
export interface Plane {
  key: string;
  name: string;
  across: number;
  up: number;
}

export const PLANES: readonly Plane[] = [
  { key: 'concept', name: 'the concept’s own axis', across: 2, up: 0 },
  { key: 'principal', name: 'two principal axes', across: 0, up: 1 }
];

/** Room at the edges, as a share of the picture. */
const MARGIN = 0.04;

export type Side = 'before' | 'after';

/** Shares of the picture's width and height, the same scale before and after. */
export function placesOn(
  payload: ErasurePayload,
  plane: Plane
): (point: Point, side: Side) => { x: number; y: number } {
  const range = (axis: number): [number, number] => {
    let low = Infinity;
    let high = -Infinity;
    for (const point of payload.boxes) {
      for (const value of [point.before[axis] ?? 0, point.after[axis] ?? 0]) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    return [low, high];
  };
  const [across, up] = [range(plane.across), range(plane.up)];
  const share = (value: number, [low, high]: [number, number]): number =>
    high > low ? MARGIN + (1 - 2 * MARGIN) * ((value - low) / (high - low)) : 0.5;
  return (point, side) => ({
    x: share(point[side][plane.across] ?? 0, across),
    y: share(point[side][plane.up] ?? 0, up)
  });
}

/** What stands across and up, in words. */
export function axesWords(payload: ErasurePayload, plane: Plane): string {
  const told = (axis: number): string => {
    const { name = '', share = '' } = payload.axes[axis] ?? {};
    return `${name} (${share})`;
  };
  return `Across: ${told(plane.across)}. Up: ${told(plane.up)}. One scale before and after.`;
}

/** Shapes and colours beyond which classes are told apart by the readout alone. */
export const SHAPES = 6;
