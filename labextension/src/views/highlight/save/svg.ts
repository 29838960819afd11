/** The highlight as one SVG text. */

import { Sheet } from '../../save/drawing';
import { titleText } from '../../title';
import type { Drawing } from '../../save/drawing';
import type { HighlightPayload } from '../payload';

/** The whole picture: question, verdict, tokens, legend, provenance. */
export function svg(payload: HighlightPayload): Drawing {
  const { verdict, scale } = payload;
  const sheet = new Sheet();
  sheet.title(payload);
  sheet.verdict(verdict.word, verdict.sentence);
  sheet.y += 6;
  sheet.passage(payload, verdict.word === 'do not trust');
  sheet.y += 14;
  sheet.lines(`against (hatched) · for (solid) · largest score ${scale.label} ${scale.unit}`, 104);
  if (payload.sum !== null) {
    sheet.lines(payload.sum, 104);
  }
  sheet.lines(payload.provenance.join(' · '), 104);
  return sheet.drawing(titleText(payload));
}
