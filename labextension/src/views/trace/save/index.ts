/** The files that a trace can be saved as. */

import { addHeat } from '../../heat';
import { dataSaving, savingsOf } from '../../save';
import { csvOf, csvText } from '../../save/csv';
import { Sheet as Paper } from '../../save/drawing';
import { titleText } from '../../title';
import { WORDS, heatOf } from '../heat';
import type { Saving } from '../../footer';
import type { Drawing } from '../../save/drawing';
import type { Sheet, TracePayload } from '../payload';

/** One row for each kind, position and layer: effect as a plain number, and the restored probability as written. */
export function csv(payload: TracePayload): string {
  return csvOf(
    'kind,position,token,layer,effect,restored,half_interval',
    payload.sheets.flatMap(sheet =>
      payload.rows.flatMap((row, at) =>
        payload.columns.map((layer, column) => [
          sheet.key,
          String(row.position),
          csvText(row.name),
          layer,
          String(sheet.values[at]?.[column] ?? ''),
          csvText(sheet.reads[at]?.[column] ?? ''),
          csvText(sheet.spreads?.[at]?.[column] ?? '')
        ])
      )
    )
  );
}

/** Question, verdict, and the map of one tab. */
export function svg(payload: TracePayload, sheet: Sheet): Drawing {
  const paper = new Paper();
  paper.title(payload);
  paper.verdict(payload.verdict.word, payload.verdict.sentence);
  paper.lines(`restored: ${sheet.words}`, 104);
  paper.y += 4;
  addHeat(paper, heatOf(payload, sheet), WORDS, { muted: payload.verdict.word === 'do not trust' });
  paper.lines(
    `effect on the ${payload.scale.unit} · clean ${payload.clean}, corrupted ${payload.corrupted} over ` +
      `${payload.samples} · deepest colour ${payload.scale.label} · below zero hatched · bold: the subject`,
    104
  );
  if (payload.rest !== null) {
    paper.lines(payload.rest, 104);
  }
  paper.lines(payload.provenance.join(' · '), 104);
  return paper.drawing(titleText(payload));
}

export function savings(payload: TracePayload, sheet: Sheet): Saving[] {
  return [
    ...savingsOf(
      'trace',
      sheet.key,
      () => svg(payload, sheet),
      () => csv(payload)
    ),
    dataSaving('trace', payload)
  ];
}
