/** The files that patching can be saved as. */

import { addHeat } from '../../heat';
import { dataSaving, savingsOf } from '../../save';
import { csvOf, csvText } from '../../save/csv';
import { Sheet as Paper } from '../../save/drawing';
import { titleText } from '../../title';
import { heatOf, wordsOf } from '../heat';
import { agreementWords } from '../scatter';
import type { Saving } from '../../footer';
import type { Drawing } from '../../save/drawing';
import type { PatchPayload, Sheet } from '../payload';

/** One row for each site, row and layer: the effects as plain numbers, empty where not measured. */
export function csv(payload: PatchPayload): string {
  return csvOf(
    `site,${payload.row},name,layer,value,effect,first_order`,
    payload.sheets.flatMap(sheet =>
      payload.rows.flatMap((row, at) =>
        payload.columns.map((layer, column) => [
          sheet.key,
          String(row.number),
          csvText(row.name),
          layer,
          csvText(sheet.exact.reads[at]?.[column] ?? ''),
          String(sheet.exact.values[at]?.[column] ?? ''),
          String(sheet.first?.values[at]?.[column] ?? '')
        ])
      )
    )
  );
}

/** Question, verdict, both prompts, and the map of one tab. */
export function svg(payload: PatchPayload, sheet: Sheet, first: boolean): Drawing {
  const paper = new Paper();
  paper.title(payload);
  paper.verdict(payload.verdict.word, payload.verdict.sentence);
  for (const run of payload.runs) {
    paper.lines(`${run.name}: ${run.tokens.map(token => token.text).join('')}`, 104);
  }
  paper.lines(`${first ? 'first-order estimate' : 'exact'}, patched: ${sheet.words}`, 104);
  paper.y += 4;
  addHeat(paper, heatOf(payload, sheet, first), wordsOf(payload), {
    muted: payload.verdict.word === 'do not trust'
  });
  paper.lines(
    `effect: ${payload.scale.unit} · ${payload.measure}: ${payload.base.label} in the ${payload.base.name} run, ` +
      `${payload.other.label} in the ${payload.other.name} run · deepest colour ${payload.scale.label} · below zero hatched`,
    104
  );
  for (const line of [payload.where, agreementWords(payload), payload.rest]) {
    if (line !== null && line !== '') {
      paper.lines(line, 104);
    }
  }
  paper.lines(payload.provenance.join(' · '), 104);
  return paper.drawing(titleText(payload));
}

export function savings(payload: PatchPayload, sheet: Sheet, first: boolean): Saving[] {
  return [
    ...savingsOf(
      'patch',
      sheet.key,
      () => svg(payload, sheet, first),
      () => csv(payload)
    ),
    dataSaving('patch', payload)
  ];
}
