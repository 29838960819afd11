/** The files that an erasure can be saved as. */

import { dataSaving, savingsOf } from '../../save';
import { csvOf, csvText } from '../../save/csv';
import { download, fileName } from '../../save/download';
import { COLOURS, PAD, Sheet, WIDTH, escapeXml, label } from '../../save/drawing';
import { titleText } from '../../title';
import { roundWords } from '../charts';
import { damageRows } from '../damage';
import { STAGE_WORDS } from '../payload';
import { SHAPES, axesWords, placesOn } from '../planes';
import type { Saving } from '../../footer';
import type { Drawing } from '../../save/drawing';
import type { ErasurePayload, Place } from '../payload';
import type { Plane } from '../planes';

const CLOUD = { width: 332, height: 240 };
const BARS = { left: 250, width: 320, line: 20 };
const INKS = [COLOURS.for, COLOURS.against, COLOURS.ok, COLOURS.bad, COLOURS.dim, COLOURS.text];

const number = (value: number | null): string => (value === null ? '' : String(value));

/** One row for each place, probe and stage, and for each round. */
export function csv(payload: ErasurePayload): string {
  return csvOf('kind,place,name,stage,value,low,high', [
    ...payload.places.flatMap(({ name, bars }) =>
      bars.map(bar => [
        'probe',
        csvText(name),
        csvText(bar.probe),
        bar.stage,
        number(bar.value),
        number(bar.low),
        number(bar.high)
      ])
    ),
    ['baseline', '', csvText('always one class'), '', number(payload.majority.value), '', ''],
    ...(payload.rounds?.steps ?? []).map((step, at) => [
      'round',
      csvText(payload.rounds?.place ?? ''),
      csvText('INLP'),
      String(at),
      number(step.value),
      '',
      ''
    ])
  ]);
}

/** One row for each point. */
export function pointsCsv(payload: ErasurePayload): string {
  return csvOf('token,class,text,before_1,before_2,before_concept,after_1,after_2,after_concept', [
    ...payload.boxes.map(point => [
      csvText(point.name),
      csvText(payload.classes[point.class] ?? ''),
      csvText(point.text),
      ...[...point.before, ...point.after].map(String)
    ])
  ]);
}

/** A mark of a class, by shape and colour. */
function mark(kind: number, x: number, y: number, name: string): string {
  const ink = INKS[kind % SHAPES] ?? COLOURS.text;
  const style =
    kind % 2 === 0 ? `fill="${ink}"` : `fill="${COLOURS.surface}" stroke="${ink}" stroke-width="1.5"`;
  const round = kind % SHAPES === 0 || kind % SHAPES === 3;
  const shape = round
    ? `<circle cx="${x}" cy="${y}" r="3" ${style}>`
    : `<rect x="${x - 3}" y="${y - 3}" width="6" height="6" ${style}` +
      `${kind % SHAPES === 2 || kind % SHAPES === 5 ? ` transform="rotate(45 ${x} ${y})"` : ''}>`;
  return `${shape}<title>${escapeXml(name)}</title></${round ? 'circle' : 'rect'}>`;
}

function drawClouds(sheet: Sheet, payload: ErasurePayload, plane: Plane): void {
  const places = placesOn(payload, plane);
  const top = sheet.y;
  (['before', 'after'] as const).forEach((side, at) => {
    const left = PAD + at * (WIDTH - 2 * PAD - CLOUD.width);
    sheet.body.push(
      label(side, left, top),
      `<rect x="${left}" y="${top + 8}" width="${CLOUD.width}" height="${CLOUD.height}" fill="none" stroke="${COLOURS.line}"/>`,
      ...payload.boxes.map(point => {
        const { x, y } = places(point, side);
        const name = `${point.name}, ${payload.classes[point.class] ?? ''}`;
        return mark(
          point.class,
          Math.round((left + x * CLOUD.width) * 10) / 10,
          Math.round((top + 8 + (1 - y) * CLOUD.height) * 10) / 10,
          name
        );
      })
    );
  });
  sheet.y = top + CLOUD.height + 28;
  payload.classes.forEach((name, at) => {
    sheet.body.push(mark(at, PAD + 4, sheet.y - 4, name), label(name, PAD + 14, sheet.y));
    sheet.y += 16;
  });
  sheet.lines(axesWords(payload, plane), 104);
}

function drawBars(sheet: Sheet, payload: ErasurePayload, place: Place): void {
  const x = (share: number): number => Math.round((BARS.left + share * BARS.width) * 10) / 10;
  const top = sheet.y - 10;
  for (const bar of place.bars) {
    const { y } = sheet;
    const ink = bar.stage === 'before' ? COLOURS.dim : bar.stage === 'random' ? 'url(#hatch)' : COLOURS.for;
    sheet.body.push(
      label(`${bar.probe}, ${STAGE_WORDS[bar.stage]}`, PAD, y, { fill: COLOURS.text }),
      `<rect x="${BARS.left}" y="${y - 9}" width="${x(bar.value) - BARS.left}" height="9" fill="${ink}"/>`,
      bar.low === null || bar.high === null
        ? ''
        : `<rect x="${x(bar.low)}" y="${y - 5.5}" width="${Math.max(1, x(bar.high) - x(bar.low))}" height="2" fill="${COLOURS.text}"/>`,
      label(`${bar.label} ${bar.interval}`, BARS.left + BARS.width + 8, y)
    );
    sheet.y += BARS.line;
  }
  sheet.body.push(
    `<rect x="${x(payload.majority.value)}" y="${top}" width="1" height="${sheet.y - top - 8}" fill="${COLOURS.text}"/>`
  );
  sheet.lines(`upright line: always one class, ${payload.majority.label}; lines across: 95 % intervals`, 104);
}

/** Question, verdict, points before and after, one place's probes, rounds and damage. */
export function svg(payload: ErasurePayload, plane: Plane, place: Place): Drawing {
  const sheet = new Sheet();
  const dark = { fill: COLOURS.text };
  sheet.title(payload);
  sheet.verdict(payload.verdict.word, payload.verdict.sentence);
  sheet.lines(payload.method, 104);
  sheet.y += 8;
  drawClouds(sheet, payload, plane);
  if (payload.apart !== '') {
    sheet.lines(payload.apart, 104, dark);
  }
  sheet.y += 10;
  sheet.lines(`What fresh probes find at ${place.name}`, 104);
  sheet.y += 4;
  drawBars(sheet, payload, place);
  sheet.y += 6;
  const { rounds } = payload;
  if (rounds !== null) {
    [...rounds.steps, ...(rounds.single === null ? [] : [rounds.single])].forEach((_, at) =>
      sheet.lines(roundWords(rounds, at), 104, dark)
    );
    sheet.y += 6;
  }
  for (const [name = '', before = '', after = '', random = ''] of damageRows(payload, place)) {
    const sides = [before && `before ${before}`, `after ${after}`, random && `random directions ${random}`];
    sheet.lines(`${name}: ${sides.filter(text => text !== '').join(', ')}`, 104, dark);
  }
  sheet.lines(payload.provenance.join(' · '), 104);
  return sheet.drawing(titleText(payload));
}

export function savings(payload: ErasurePayload, plane: Plane, place: Place): Saving[] {
  return [
    ...savingsOf(
      'erasure',
      payload.concept,
      () => svg(payload, plane, place),
      () => csv(payload)
    ),
    {
      label: 'Points (CSV)',
      hook: 'save-points',
      run: () =>
        download(
          new Blob([pointsCsv(payload)], { type: 'text/csv;charset=utf-8' }),
          fileName('erasure-points', payload.concept, 'csv')
        )
    },
    dataSaving('erasure', payload)
  ];
}
