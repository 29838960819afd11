/** Checks of what Python sends for heat maps. */

import { isNumber, isRecord, isText } from '../payload';

/** As many lines as rows, as many items as columns. */
export function isTable(
  value: unknown,
  rows: number,
  columns: number,
  test: (item: unknown) => boolean
): boolean {
  return (
    Array.isArray(value) &&
    value.length === rows &&
    value.every(line => Array.isArray(line) && line.length === columns && line.every(test))
  );
}

export const isCellValue = (item: unknown): boolean => item === null || isNumber(item);

export function isRow(value: unknown): boolean {
  return isRecord(value) && isText(value.name);
}
