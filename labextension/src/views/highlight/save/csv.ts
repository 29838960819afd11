/** Scores as comma-separated values. */

import { csvOf, csvText } from '../../save/csv';
import type { HighlightPayload } from '../payload';

/** One row for each box: token indices, name, score as a plain number, unit. */
export function csv(payload: HighlightPayload): string {
  const unit = csvText(payload.scale.unit);
  return csvOf(
    'tokens,name,score,unit',
    payload.boxes.map(box => [csvText(box.tokens.join(' ')), csvText(box.name), String(box.score), unit])
  );
}
