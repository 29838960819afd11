/** The files a lens can be saved as. */

import { dataSaving, savingsOf } from '../../save';
import { csvOf, csvText } from '../../save/csv';
import { COLOURS, PAD, Sheet, WIDTH, columns, escapeXml, label } from '../../save/drawing';
import { titleText } from '../../title';
import { cellWords, word } from '../payload';
import type { Saving } from '../../footer';
import type { Drawing } from '../../save/drawing';
import type { LensPayload } from '../payload';

/** One row for each position, layer and kept token: position, token there, layer, rank, next token and its numbers. */
export function csv(payload: LensPayload): string {
  return csvOf(
    'position,token,layer,rank,next,probability,entropy,divergence',
    payload.boxes.flatMap((box, column) =>
      payload.rows.flatMap(row => {
        const cell = row.cells[column] ?? null;
        return (cell?.ids ?? []).map((id, rank) => [
          String(box.position),
          csvText(box.name),
          String(row.layer),
          String(rank + 1),
          csvText(word(payload, id)),
          csvText(cell?.labels[rank] ?? ''),
          csvText(cell?.entropy ?? ''),
          csvText(cell?.divergence ?? '')
        ]);
      })
    )
  );
}

const HEAD = 34;
const LINE = 17;
const NARROWEST = 54;
/** Width of a character of the mono face at 10 px. */
const LETTER = 6.1;

function cut(text: string, width: number): string {
  const most = Math.max(2, Math.floor((width - 6) / LETTER));
  return columns(text) > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Question, verdict and table, late layers above; of too many positions the last ones. */
export function svg(payload: LensPayload): Drawing {
  const sheet = new Sheet();
  const { verdict } = payload;
  sheet.title(payload);
  if (verdict !== null) {
    sheet.verdict(verdict.word, verdict.sentence);
  }
  const muted = verdict?.word === 'do not trust';
  const room = WIDTH - 2 * PAD - HEAD;
  const fit = Math.max(1, Math.floor(room / NARROWEST));
  const from = Math.max(0, payload.boxes.length - fit);
  const width = Math.min(110, room / Math.max(1, payload.boxes.length - from));
  const story = payload.stories.at(-1) ?? '';
  if (payload.boxes.length > 0) {
    sheet.lines(`After ${payload.boxes.at(-1)?.name ?? ''}: ${story}`, 104);
  }
  const mono = ' font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace"';
  const start = sheet.y;
  [...payload.rows].reverse().forEach((row, line) => {
    const y = start + line * LINE;
    sheet.body.push(label(String(row.layer), PAD, y + 12, { size: 10 }));
    row.cells.slice(from).forEach((cell, at) => {
      const x = PAD + HEAD + at * width;
      const place = { row: payload.rows.indexOf(row), column: from + at };
      const box = `x="${x.toFixed(2)}" y="${y}" width="${(width - 1).toFixed(2)}" height="${LINE - 1}"`;
      const parts = [`<g><title>${escapeXml(cellWords(payload, place))}</title>`];
      parts.push(`<rect ${box} fill="${COLOURS.line}" fill-opacity="0.35"/>`);
      if (cell !== null) {
        const opacity = (cell.p * (muted ? 0.4 : 1)).toFixed(3);
        const white = cell.p >= 0.92 && !muted;
        parts.push(`<rect ${box} fill="${COLOURS.for}" fill-opacity="${opacity}"/>`);
        parts.push(
          label(cut(word(payload, cell.ids[0] ?? 0), width), Number(x.toFixed(2)) + 3, y + 12, {
            size: 10,
            fill: white ? COLOURS.surface : '#000000',
            extra: mono
          })
        );
      }
      sheet.body.push(`${parts.join('')}</g>`);
    });
  });
  sheet.y = start + payload.rows.length * LINE;
  payload.boxes.slice(from).forEach((box, at) => {
    const x = Number((PAD + HEAD + at * width).toFixed(2)) + 3;
    sheet.body.push(label(cut(box.name, width), x, sheet.y + 12, { size: 10, extra: mono }));
  });
  sheet.y += 30;
  if (from > 0) {
    sheet.lines(`The last ${payload.boxes.length - from} of ${payload.boxes.length} positions.`, 104);
  }
  sheet.lines(`${payload.reads}; colour: probability of the token in the cell`, 104);
  if (payload.rest !== null) {
    sheet.lines(payload.rest, 104);
  }
  sheet.lines(payload.provenance.join(' · '), 104);
  return sheet.drawing(titleText(payload));
}

/** `payload` is asked for when a file is saved: a run may have filled it since it was drawn. */
export function savings(payload: () => LensPayload): Saving[] {
  return [
    ...savingsOf(
      'lens',
      '',
      () => svg(payload()),
      () => csv(payload())
    ),
    {
      ...dataSaving('lens', null),
      run: () => dataSaving('lens', payload()).run()
    }
  ];
}
