/**
 * A chosen cell of a heat map as Python has it: its sheet (or "" where there is one), and the numbers of its row and
 * column, such as a position and a layer; empty where none is chosen.
 */

import type { Place } from './heat';

export type Chosen = [string, number, number] | [];

export function readChosen(value: unknown): Chosen {
  if (!Array.isArray(value) || value.length !== 3) {
    return [];
  }
  const [sheet, row, column] = value as unknown[];
  return typeof sheet === 'string' && typeof row === 'number' && typeof column === 'number'
    ? [sheet, row, column]
    : [];
}

/** What a view that has a chosen cell tells, and what it began with. */
export interface Choosing {
  chosen: Chosen;
  choose(chosen: Chosen): void;
}

/** Where the chosen cell is on a sheet, whose rows have these numbers; null for none, or one of another sheet. */
export function placeOf(
  chosen: Chosen,
  sheet: string,
  rows: readonly number[],
  columns: readonly string[]
): Place | null {
  const [key, number, layer] = chosen;
  if (key !== sheet || number === undefined) {
    return null;
  }
  const row = rows.indexOf(number);
  const column = columns.indexOf(String(layer));
  return row < 0 || column < 0 ? null : { row, column };
}

export const sameChosen = (a: Chosen, b: Chosen): boolean =>
  a.length === b.length && a.every((part, at) => part === b[at]);
