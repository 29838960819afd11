/** The files that heads can be saved as. */

import { addHeat } from '../../heat';
import { dataSaving, savingsOf } from '../../save';
import { csvOf, csvText } from '../../save/csv';
import { Sheet } from '../../save/drawing';
import { titleText } from '../../title';
import { LOOKS, WORDS, heatOf, patternHeat } from '../maps';
import { outcome, titleOf } from '../payload';
import type { Saving } from '../../footer';
import type { Drawing } from '../../save/drawing';
import type { HeadsPayload, Pattern } from '../payload';

/** One row for each head: loss as a plain number, the followed number and the first choice without it as written. */
export function csv(payload: HeadsPayload): string {
  return csvOf(
    'layer,head,loss,unit,without,first_choice',
    payload.rows.flatMap((row, at) =>
      payload.columns.map((layer, column) => [
        layer,
        String(row.head),
        String(payload.values[at]?.[column] ?? ''),
        csvText(payload.scale.unit),
        csvText(payload.reads[at]?.[column] ?? ''),
        csvText((payload.values[at]?.[column] ?? null) === null ? '' : outcome(payload, at, column))
      ])
    )
  );
}

/** Question, verdict, the map of all heads, and the pattern that is shown. */
export function svg(payload: HeadsPayload, pattern: Pattern | null): Drawing {
  const paper = new Sheet();
  const shown =
    pattern === null
      ? payload
      : { ...payload, title: [{ text: titleOf(payload, pattern.head, pattern.layer) }] };
  paper.title(shown);
  paper.verdict(payload.verdict.word, payload.verdict.sentence);
  if (payload.measured) {
    addHeat(paper, heatOf(payload), WORDS, { muted: payload.verdict.word === 'do not trust' });
    paper.lines(
      `loss, in ${payload.scale.unit}, of the ${payload.quantity} (${payload.before.read}) with a head set to ` +
        `${payload.stand_in} · deepest colour ${payload.scale.label} · below zero hatched`,
      104
    );
  }
  if (pattern !== null) {
    paper.y += 8;
    paper.lines(`attention of head ${pattern.head} of layer ${pattern.layer}`, 104);
    addHeat(paper, patternHeat(payload, pattern), LOOKS, { upright: true });
  }
  if (payload.rest !== null) {
    paper.lines(payload.rest, 104);
  }
  paper.lines(payload.provenance.join(' · '), 104);
  return paper.drawing(titleText(shown));
}

/** `pattern` is asked for when a file is saved: another head may be chosen then. */
export function savings(payload: HeadsPayload, pattern: () => Pattern | null): Saving[] {
  return [
    ...savingsOf(
      'heads',
      '',
      () => svg(payload, pattern()),
      () => csv(payload)
    ),
    dataSaving('heads', payload)
  ];
}
