/** Comma-separated values (RFC 4180). */

/**
 * A text field. Spreadsheets run a cell that begins with =, +, -, @, a tab or a return as a formula, and token text
 * comes from strangers, so such a text gets an apostrophe in front, which spreadsheets do not show.
 */
export function csvText(text: string): string {
  const safe = /^[\s]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

/** Lines of fields that are already written; begins with a byte-order mark for Excel. */
export function csvOf(head: string, rows: readonly string[][]): string {
  return `\ufeff${[head, ...rows.map(row => row.join(','))].join('\r\n')}\r\n`;
}
