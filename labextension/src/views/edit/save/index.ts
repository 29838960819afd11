/** The files that an edit can be saved as. */

import { dataSaving, savingsOf } from '../../save';
import { csvOf, csvText } from '../../save/csv';
import { COLOURS, Sheet } from '../../save/drawing';
import { titleText } from '../../title';
import { hasSum } from '../payload';
import { textOf } from '../table';
import type { Saving } from '../../footer';
import type { Drawing } from '../../save/drawing';
import type { EditPayload } from '../payload';

/** One row for each check that is drawn, and for each next token. */
export function csv(payload: EditPayload): string {
  return csvOf('kind,prompt,token_before,before,token_after,after,outcome', [
    ...payload.groups.flatMap(group =>
      group.rows.map(row => [
        group.key,
        csvText(row.prompt),
        csvText(row.before.name),
        csvText(row.before.label),
        csvText(row.after.name),
        csvText(row.after.label),
        csvText(row.word)
      ])
    ),
    ...payload.samples.flatMap(sample =>
      sample.next.map(one => [
        'next token',
        csvText(sample.prompt),
        csvText(one.name),
        csvText(one.before),
        csvText(one.name),
        csvText(one.after),
        csvText(one.role ?? '')
      ])
    )
  ]);
}

/** Question, verdict, one prompt's texts and next tokens, the checks, and the sizes. */
export function svg(payload: EditPayload, at: number): Drawing {
  const sheet = new Sheet();
  const dark = { fill: COLOURS.text };
  sheet.title(payload);
  sheet.verdict(payload.verdict.word, payload.verdict.sentence);
  sheet.lines(payload.method, 104);
  const sample = payload.samples[at];
  if (sample !== undefined) {
    sheet.y += 6;
    sheet.lines(sample.prompt, 96, dark);
    sample.texts.forEach((side, number) => {
      sheet.lines(`${side.name}: ${textOf(payload, sample, number).replace(/\s+/g, ' ')}`, 96, {
        fill: number === 0 ? COLOURS.bad : COLOURS.ok
      });
    });
    sheet.y += 6;
    for (const one of sample.next) {
      sheet.lines(`${one.name}  ${one.before} → ${one.after}`, 104, dark);
    }
  }
  sheet.y += 6;
  for (const group of payload.groups) {
    if (hasSum(group)) {
      sheet.lines(`${group.mark} ${group.words}: ${group.before}, then ${group.after}; ${group.word}`, 104, {
        fill: COLOURS[group.tone]
      });
    }
    for (const row of group.rows) {
      const sides = `${row.before.name} ${row.before.label} → ${row.after.name} ${row.after.label}`;
      sheet.lines(`${row.mark} ${row.prompt}  ${sides}  ${row.word}`, 104, { fill: COLOURS[row.tone] });
    }
  }
  if (payload.changes.length > 0) {
    const sizes = payload.changes.map(one => `${one.name} ${one.label}`).join(', ');
    sheet.lines(`weights changed, of their norm: ${sizes}`, 104);
  }
  sheet.lines(payload.provenance.join(' · '), 104);
  return sheet.drawing(titleText(payload));
}

export function savings(payload: EditPayload, sample: number): Saving[] {
  return [
    ...savingsOf(
      'edit',
      payload.edit,
      () => svg(payload, sample),
      () => csv(payload)
    ),
    dataSaving('edit', payload)
  ];
}
