/** The files that the console can be saved as: picture, numbers, and its settings. */

import { download, fileName } from '../../save/download';
import { savingsOf } from '../../save';
import { csvOf, csvText } from '../../save/csv';
import { COLOURS, Sheet } from '../../save/drawing';
import { titleText } from '../../title';
import type { Saving } from '../../footer';
import type { Drawing } from '../../save/drawing';
import type { SteeringPayload } from '../payload';

/** One row for each token: whose, its indices, name, probability, whether it differs, and a score for each vector. */
export function csv(payload: SteeringPayload): string {
  const head = [
    'text',
    'tokens',
    'name',
    'probability',
    'differs',
    ...payload.vectors.map(one => csvText(one.name))
  ];
  return csvOf(
    head.join(','),
    payload.texts.flatMap(side =>
      payload.boxes
        .slice(side.start, side.end)
        .map(box => [
          side.name,
          csvText(box.tokens.join(' ')),
          csvText(box.name),
          csvText(box.probability),
          String(box.differs),
          ...box.scores.map(String)
        ])
    )
  );
}

/** Strengths, both texts coloured by one vector, and the gauges' numbers. */
export function svg(payload: SteeringPayload, vector: number): Drawing {
  const sheet = new Sheet();
  sheet.title(payload);
  if (payload.verdict !== null) {
    sheet.verdict(payload.verdict.word, payload.verdict.sentence);
  }
  for (const one of payload.vectors) {
    sheet.lines(`${one.name} ${one.label}, ${one.where}, ${one.bounds}`, 104, { fill: COLOURS.text });
  }
  sheet.lines(payload.setup, 104);
  sheet.lines(`prompt: ${payload.prompt.text}`, 104, { fill: COLOURS.text });
  const scale = payload.vectors[vector]?.scale ?? { max: 0, label: '', unit: '' };
  for (const side of payload.texts) {
    sheet.y += 8;
    sheet.lines(side.name, 104);
    const boxes = payload.boxes.slice(side.start, side.end).map(box => ({
      ...box,
      parts: [],
      score: box.scores[vector] ?? 0,
      label: box.labels[vector] ?? ''
    }));
    sheet.passage({ boxes, groups: [], scale }, payload.verdict?.word === 'do not trust');
  }
  sheet.y += 14;
  const { negative = '', positive = '', name = '' } = payload.vectors[vector] ?? {};
  sheet.lines(
    `${name}: ${negative} (hatched) · ${positive} (solid) · largest ${scale.label} ${scale.unit}`,
    104
  );
  for (const gauge of payload.gauges) {
    const bars = gauge.bars.map(bar => `${bar.name} ${bar.label}`).join(', ');
    sheet.lines(`${gauge.name}: ${bars}; ${gauge.change}`, 104, { fill: COLOURS.text });
  }
  sheet.lines(payload.provenance.join(' · '), 104);
  return sheet.drawing(titleText(payload));
}

/** `payload` and `vector` are asked for when a file is saved. */
export function savings(payload: () => SteeringPayload, vector: () => number): Saving[] {
  return [
    ...savingsOf(
      'steering',
      '',
      () => svg(payload(), vector()),
      () => csv(payload())
    ),
    {
      label: 'Settings (JSON)',
      hook: 'save-settings',
      run: () =>
        download(
          new Blob([`${JSON.stringify(payload().preset, null, 2)}\n`], { type: 'application/json' }),
          fileName('steering', 'settings', 'json')
        )
    }
  ];
}
