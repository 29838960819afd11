/** The three files a matrix can be saved as. */

import { savingsOf } from '../../save';
import { csvOf, csvText } from '../../save/csv';
import { COLOURS, PAD, Sheet, WIDTH, escapeXml, label } from '../../save/drawing';
import { share, side } from '../../tokens';
import { titleText } from '../../title';
import { columnsOf } from '../payload';
import type { Saving } from '../../footer';
import type { Drawing } from '../../save/drawing';
import type { MatrixPayload } from '../payload';

/** One row for each explained token and source: token indices, names, score as a plain number, unit. */
export function csv(payload: MatrixPayload): string {
  const indices = (box: number): string => csvText((payload.boxes[box]?.tokens ?? []).join(' '));
  const name = (box: number): string => csvText(payload.boxes[box]?.name ?? '');
  const unit = csvText(payload.scale.unit);
  return csvOf(
    'target_tokens,target,source_tokens,source,score,unit',
    payload.rows.flatMap(row =>
      row.scores.map((score, box) => [
        indices(row.box),
        name(row.box),
        indices(box),
        name(box),
        String(score),
        unit
      ])
    )
  );
}

const HEAD = 150;
const LINE = 22;
const WIDEST = 44;
const NARROWEST = 6;
/** Cells at least this wide hold their number. */
const NUMBERED = 34;
const NAME_HEIGHT = 84;

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Question, verdict and grid; of too many sources the strongest. */
export function svg(payload: MatrixPayload): Drawing {
  const sheet = new Sheet();
  const { verdict, scale, rows } = payload;
  sheet.title(payload);
  if (verdict !== null) {
    sheet.verdict(verdict.word, verdict.sentence);
  }
  const room = WIDTH - 2 * PAD - HEAD;
  const columns = columnsOf(payload, Math.floor(room / NARROWEST) * Math.max(1, rows.length));
  const width = Math.min(WIDEST, Math.floor(room / Math.max(1, columns.length)));
  const muted = verdict?.word === 'do not trust';
  const top = sheet.y + NAME_HEIGHT;
  columns.forEach((box, at) => {
    const x = PAD + HEAD + at * width + width / 2 + 4;
    const turned = ` transform="rotate(-90 ${x} ${top - 6})"`;
    sheet.body.push(label(cut(payload.boxes[box]?.name ?? '', 12), x, top - 6, { size: 10, extra: turned }));
  });
  rows.forEach((row, line) => {
    const y = top + line * LINE;
    const name = payload.boxes[row.box]?.name ?? '';
    sheet.body.push(label(`${cut(name, 14)} ${row.label}`, PAD, y + 15, { size: 11, fill: COLOURS.text }));
    columns.forEach((box, at) => {
      const score = row.scores[box];
      if (box >= row.box || score === undefined) {
        return;
      }
      const x = PAD + HEAD + at * width;
      const kind = side(score);
      const size = share(score, scale.max);
      const said = row.labels[box] ?? '';
      const title = `<title>${escapeXml(`${name} from ${payload.boxes[box]?.name ?? ''} ${said}`)}</title>`;
      const cell = [`<g>${title}`];
      if (kind !== 'none') {
        const fill = kind === 'for' ? COLOURS.for : 'url(#hatch)';
        const opacity = (size * (muted ? 0.2 : 0.5)).toFixed(3);
        const height = Math.max(1, Math.round(size * 5));
        cell.push(
          `<rect x="${x}" y="${y}" width="${width - 1}" height="${LINE - 1}" fill="${COLOURS[kind]}" fill-opacity="${opacity}"/>`,
          `<rect x="${x}" y="${y + LINE - 1 - height}" width="${width - 1}" height="${height}" fill="${fill}"/>`
        );
      }
      if (width >= NUMBERED) {
        cell.push(label(said, x + 3, y + 13, { size: 9, fill: COLOURS.text }));
      }
      sheet.body.push(`${cell.join('')}</g>`);
    });
  });
  sheet.y = top + rows.length * LINE + 18;
  sheet.lines(`against (hatched) · for (solid) · largest score ${scale.label} ${scale.unit}`, 104);
  sheet.lines(payload.amount, 104);
  if (payload.rest !== null) {
    sheet.lines(payload.rest, 104);
  }
  sheet.lines(payload.provenance.join(' · '), 104);
  return sheet.drawing(titleText(payload));
}

/** `payload` is asked for when a file is saved: a run may have filled it since it was drawn. */
export function savings(payload: () => MatrixPayload): Saving[] {
  return savingsOf(
    'matrix',
    '',
    () => svg(payload()),
    () => csv(payload())
  );
}
