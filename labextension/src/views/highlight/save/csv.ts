/** Scores as comma-separated values (RFC 4180). */

import type { HighlightPayload } from '../payload';

/**
 * A text field. Spreadsheets run a cell that begins with =, +, -, @, a tab or a return as a formula, and token text
 * comes from strangers, so such a text gets an apostrophe in front, which spreadsheets do not show.
 */
export function csvText(text: string): string {
  const safe = /^[\s]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

/** One row for each box: token indices, name, score as a plain number, unit. Begins with a byte-order mark for Excel. */
export function csv(payload: HighlightPayload): string {
  const unit = csvText(payload.scale.unit);
  const rows = payload.boxes.map(box =>
    [csvText(box.tokens.join(' ')), csvText(box.name), String(box.score), unit].join(',')
  );
  return `\ufeff${['tokens,name,score,unit', ...rows].join('\r\n')}\r\n`;
}
