/** What a heat map shows, as the views that have one hand it over; every formatted number is made in Python. */

/** A row by name; `mark` says what is special about it ("subject"), `note` stands behind its name. */
export interface HeatRow {
  name: string;
  mark: string | null;
  note: string | null;
}

/** Rows down, columns across; null is a cell that was not measured. */
export interface Heat {
  rows: readonly HeatRow[];
  columns: readonly string[];
  values: readonly (readonly (number | null)[])[];
  labels: readonly (readonly string[])[];
  /** The value of the deepest colour: the largest absolute one of all that are compared. */
  max: number;
}

/** What rows and columns are, in the singular: "token", "layer"; and the name of the whole. */
export interface HeatWords {
  label: string;
  row: string;
  column: string;
  /** What a cell without a value says; by default that it was not measured. */
  none?: string;
}

/** A row and a column by their places in the map. */
export interface Place {
  row: number;
  column: number;
}

export const samePlace = (a: Place | null, b: Place | null): boolean =>
  a === b || (a !== null && b !== null && a.row === b.row && a.column === b.column);

/** Columns up to which a number fits into a cell. */
export const NUMBERED = 16;

/** Shares of the scale from which a number is written in the other ink: in dark themes, and in light ones. */
export const INK = { for: [0.62, 0.925], against: [0.65, 2], none: [2, 2] } as const;

/** Whether the name of a column has room under it: every fifth of many numbers, every one of few. */
export function isNamed(heat: Heat, column: number): boolean {
  return heat.columns.length <= NUMBERED || Number(heat.columns[column] ?? column) % 5 === 0;
}

/** The cell in words: "iffel, layer 5: +0.47". */
export function cellWords(heat: Heat, words: HeatWords, { row, column }: Place): string {
  const value = heat.values[row]?.[column] ?? null;
  const label = value === null ? (words.none ?? 'not measured') : (heat.labels[row]?.[column] ?? '');
  return `${heat.rows[row]?.name ?? ''}, ${words.column} ${heat.columns[column] ?? ''}: ${label}`;
}

/** The place of the largest absolute value, of equals the first; null where nothing was measured. */
export function largest(heat: Heat): Place | null {
  let best: Place | null = null;
  let size = -1;
  heat.values.forEach((line, row) =>
    line.forEach((value, column) => {
      if (value !== null && Math.abs(value) > size) {
        size = Math.abs(value);
        best = { row, column };
      }
    })
  );
  return best;
}
