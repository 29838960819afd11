/** The three files a highlight can be saved as. */

import { savingsOf } from '../../save';
import { csv } from './csv';
import { svg } from './svg';
import type { Saving } from '../../footer';
import type { HighlightPayload } from '../payload';

export function savings(payload: HighlightPayload): Saving[] {
  return savingsOf(
    'highlight',
    payload.settings.target,
    () => svg(payload),
    () => csv(payload)
  );
}
