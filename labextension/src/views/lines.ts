/** How a prompt falls into turns and lines, and which way each line runs; the card, the table and the SVG agree on it. */

import type { Box, Group } from './payload';

/** The label that Python gives to what the chat template adds between the turns. */
export const TEMPLATE = 'template';

/** Direction of a text by its first letter that has one. */
export function direction(text: string): 'ltr' | 'rtl' {
  const first =
    /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]|\p{L}/u.exec(text);
  return first !== null &&
    /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u.test(first[0])
    ? 'rtl'
    : 'ltr';
}

/** Runs of boxes: chat turns by name, and what stands between them. */
export function runs(passage: {
  boxes: readonly unknown[];
  groups: readonly Group[];
}): { label: string | null; start: number; end: number }[] {
  const found: { label: string | null; start: number; end: number }[] = [];
  const length = passage.boxes.length;
  let at = 0;
  for (const group of [...passage.groups].sort((a, b) => a.start - b.start)) {
    const start = Math.max(at, group.start);
    const end = Math.min(length, group.end);
    if (start > at) {
      found.push({ label: null, start: at, end: start });
    }
    if (end > start) {
      found.push({ label: group.label, start, end });
      at = end;
    }
  }
  if (at < length || length === 0) {
    found.push({ label: null, start: at, end: length });
  }
  return found;
}

/** Lines of a run between newlines, each with a direction of its own; the template's newlines are only shown. */
export function paragraphs(
  boxes: readonly Pick<Box, 'text'>[],
  run: { start: number; end: number },
  whole: boolean
): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  let start = run.start;
  for (let at = run.start; at < run.end; at += 1) {
    const ends = !whole && (boxes[at]?.text.endsWith('\n') ?? false);
    if (ends || at === run.end - 1) {
      found.push({ start, end: at + 1 });
      start = at + 1;
    }
  }
  return found;
}
