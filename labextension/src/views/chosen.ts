/**
 * A chosen cell of a heat map as Python has it: its sheet (or "" where there is one), and the numbers of its row and
 * column, such as a position and a layer; empty where none is chosen.
 */

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
