/** The three files a neuron's card can be saved as. */

import { savingsOf } from '../../save';
import { csvOf, csvText } from '../../save/csv';
import { COLOURS, PAD, Sheet, WIDTH, label } from '../../save/drawing';
import { titleText } from '../../title';
import type { Saving } from '../../footer';
import type { Drawing } from '../../save/drawing';
import type { Histogram, NeuronPayload } from '../payload';

/** One row for each token that is drawn: rank of its text, the text's place, token, activation as a plain number. */
export function csv(payload: NeuronPayload): string {
  return csvOf(
    'rank,text,token,activation',
    payload.boxes.flatMap(entry =>
      entry.words
        .filter(word => word.label !== '')
        .map(word => [csvText(entry.rank), csvText(entry.where), csvText(word.name), String(word.score)])
    )
  );
}

const HEIGHT = 96;

function drawBars(sheet: Sheet, histogram: Histogram): void {
  const { bars, bound, ends } = histogram;
  sheet.lines(histogram.words, 104);
  const room = WIDTH - 2 * PAD;
  const width = room / Math.max(1, bars.length);
  const top = sheet.y - 6;
  bars.forEach((bar, at) => {
    const height = Math.round(bar.height * HEIGHT * 10) / 10;
    const fill = !bar.top ? COLOURS.dim : bar.negative ? 'url(#hatch)' : COLOURS.for;
    const x = (PAD + at * width).toFixed(1);
    sheet.body.push(
      `<rect x="${x}" y="${(top + HEIGHT - height).toFixed(1)}" width="${(width - 1).toFixed(1)}" height="${height}" fill="${fill}"/>`
    );
  });
  const x = (PAD + bound.at * room).toFixed(1);
  sheet.body.push(
    `<line x1="${x}" y1="${top}" x2="${x}" y2="${top + HEIGHT}" stroke="${COLOURS.text}"/>`,
    `<line x1="${PAD}" y1="${top + HEIGHT}" x2="${PAD + room}" y2="${top + HEIGHT}" stroke="${COLOURS.line}"/>`,
    label(ends[0], PAD, top + HEIGHT + 16),
    label(ends[1], PAD + room, top + HEIGHT + 16, { extra: ' text-anchor="end"' })
  );
  sheet.y = top + HEIGHT + 38;
}

/** Question, finding, every text, histogram, tokens promoted and demoted. */
export function svg(payload: NeuronPayload): Drawing {
  const sheet = new Sheet();
  const { verdict, histogram, scale } = payload;
  sheet.title(payload);
  if (verdict !== null) {
    sheet.verdict(verdict.word, verdict.sentence);
  }
  sheet.lines(payload.finding, 104);
  for (const entry of payload.boxes) {
    sheet.y += 8;
    sheet.lines(`${entry.rank}   ${entry.peak.label}`, 104, { fill: COLOURS.text });
    const boxes = entry.words.map(word => ({ ...word, tokens: [] }));
    sheet.passage({ boxes, groups: [], scale }, false);
  }
  sheet.lines(`below zero (hatched) · above zero (solid) · largest ${scale.label}`, 104);
  if (histogram !== null) {
    sheet.y += 8;
    drawBars(sheet, histogram);
  }
  sheet.lines(payload.figures.map(figure => `${figure.name} ${figure.label}`).join(' · '), 104);
  for (const [name, tokens] of [
    ['promotes', payload.promoted],
    ['demotes', payload.demoted]
  ] as const) {
    if (tokens.length > 0) {
      sheet.lines(`${name}: ${tokens.map(token => `${token.name} ${token.label}`).join(', ')}`, 104);
    }
  }
  sheet.lines(payload.provenance.join(' · '), 104);
  return sheet.drawing(titleText(payload));
}

export function savings(payload: NeuronPayload): Saving[] {
  return savingsOf(
    'neuron',
    String(payload.settings.neuron),
    () => svg(payload),
    () => csv(payload)
  );
}
