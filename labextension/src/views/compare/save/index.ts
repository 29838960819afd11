/** The three files a comparison can be saved as. */

import { savingsOf } from '../../save';
import { csvOf, csvText } from '../../save/csv';
import { Sheet } from '../../save/drawing';
import { titleText } from '../../title';
import { passageOf } from '../payload';
import type { Saving } from '../../footer';
import type { Drawing } from '../../save/drawing';
import type { ComparePayload } from '../payload';

/** One row for each box and method: token indices, name, method, score as a plain number, rank, unit. */
export function csv(payload: ComparePayload): string {
  return csvOf(
    'tokens,name,method,score,rank,unit',
    payload.methods.flatMap(method =>
      payload.boxes.map((box, index) => [
        csvText(box.tokens.join(' ')),
        csvText(box.name),
        csvText(method.label),
        String(method.scores[index] ?? 0),
        String(method.ranks[index] ?? 0),
        csvText(method.scale.unit)
      ])
    )
  );
}

/** Question, agreement, and each method with its verdict, running text, scale and cost. */
export function svg(payload: ComparePayload): Drawing {
  const sheet = new Sheet();
  sheet.title(payload);
  sheet.lines(payload.sentence, 96, { size: 13 });
  for (const method of payload.methods) {
    const { verdict, scale } = method;
    sheet.y += 10;
    sheet.verdict(verdict.word, verdict.sentence, `${method.label}  `);
    sheet.y += 2;
    sheet.passage(passageOf(payload, method), verdict.word === 'do not trust');
    sheet.y += 8;
    sheet.lines(`largest score ${scale.label} ${scale.unit} · ${method.cost}`, 104);
  }
  sheet.y += 8;
  sheet.lines('against (hatched) · for (solid) · each method to its own largest score', 104);
  for (const { name, sentence } of payload.differ) {
    sheet.lines(`${name}: ${sentence}`, 104);
  }
  sheet.lines(payload.provenance.join(' · '), 104);
  return sheet.drawing(titleText(payload));
}

export function savings(payload: ComparePayload): Saving[] {
  return savingsOf(
    'compare',
    payload.settings.target,
    () => svg(payload),
    () => csv(payload)
  );
}
