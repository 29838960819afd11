/** The same numbers as tables: what is lost without each head, and where the shown one looks. */

import { h } from '../dom';
import { drawHeatTable } from '../heat';
import { titleText } from '../title';
import { LOOKS, WORDS, heatOf, patternHeat } from './maps';
import type { HeadsPayload, Pattern } from './payload';

export function drawTable(payload: HeadsPayload, pattern: Pattern | null): HTMLElement {
  const caption =
    `${titleText(payload)} Loss, in ${payload.scale.unit}, of the ${payload.quantity} ` +
    `(${payload.before.read}) when a head is set to ${payload.stand_in}.`;
  return h(
    'div',
    {},
    payload.measured && drawHeatTable(heatOf(payload), WORDS, caption),
    pattern !== null &&
      drawHeatTable(
        patternHeat(payload, pattern),
        LOOKS,
        `Attention of head ${pattern.head} of layer ${pattern.layer}: each row is what a token looks at.`
      )
  );
}
