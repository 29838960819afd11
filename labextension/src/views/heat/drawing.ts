/** A heat map inside an SVG text: light colours, the number in the cell where it fits. */

import { COLOURS, PAD, WIDTH, escapeXml, label } from '../save/drawing';
import { share, side } from '../tokens';
import { INK, cellWords, isNamed } from './map';
import type { Sheet } from '../save/drawing';
import type { Heat, HeatWords } from './map';

const HEAD = 120;
const LINE = 18;
const WIDEST = 44;
/** Cells at least this wide hold their number. */
const NUMBERED = 34;
const LONGEST = 15;
const FEET = 84;

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Adds the map below what the sheet has; `upright` as for the grid, `muted` for a verdict of no trust. */
export function addHeat(
  sheet: Sheet,
  heat: Heat,
  words: HeatWords,
  { upright = false, muted = false }: { upright?: boolean; muted?: boolean } = {}
): void {
  const room = WIDTH - 2 * PAD - HEAD;
  const width = Math.min(WIDEST, room / Math.max(1, heat.columns.length));
  const top = sheet.y;
  heat.rows.forEach((row, at) => {
    const y = top + at * LINE;
    const marked = row.mark === null ? '' : ' font-weight="600"';
    sheet.body.push(
      label(cut(row.name, LONGEST), PAD, y + 13, { size: 11, fill: COLOURS.text, extra: marked })
    );
    heat.columns.forEach((_, column) => {
      const value = heat.values[at]?.[column] ?? null;
      const x = (PAD + HEAD + column * width).toFixed(2);
      const box = `x="${x}" y="${y}" width="${(width - 1).toFixed(2)}" height="${LINE - 1}"`;
      const title = `<title>${escapeXml(cellWords(heat, words, { row: at, column }))}</title>`;
      const cell = [`<g>${title}`, `<rect ${box} fill="${COLOURS.line}" fill-opacity="0.35"/>`];
      const kind = side(value ?? 0);
      const size = share(value ?? 0, heat.max);
      if (kind !== 'none') {
        const opacity = (size * (muted ? 0.4 : 1)).toFixed(3);
        cell.push(`<rect ${box} fill="${COLOURS[kind]}" fill-opacity="${opacity}"/>`);
        if (kind === 'against') {
          // As faint as what it marks: a stripe over next to nothing would say more than there is.
          cell.push(
            `<rect ${box} fill="url(#hatch)" fill-opacity="${(Math.min(1, size * 3) * 0.6).toFixed(3)}"/>`
          );
        }
      }
      if (value === null) {
        const middle = `cx="${(Number(x) + (width - 1) / 2).toFixed(2)}" cy="${y + LINE / 2}"`;
        cell.push(`<circle ${middle} r="1.5" fill="${COLOURS.dim}"/>`);
      } else if (width >= NUMBERED) {
        const white = kind === 'for' && size >= INK.for[1] && !muted;
        const fill = white ? COLOURS.surface : '#000000';
        cell.push(label(heat.labels[at]?.[column] ?? '', Number(x) + 3, y + 12, { size: 9, fill }));
      }
      sheet.body.push(`${cell.join('')}</g>`);
    });
  });
  sheet.y = top + heat.rows.length * LINE;
  heat.columns.forEach((name, column) => {
    const x = PAD + HEAD + (column + 0.5) * width;
    if (upright) {
      const turned = ` transform="rotate(90 ${x - 4} ${sheet.y + 6})"`;
      sheet.body.push(label(cut(name, 12), x - 4, sheet.y + 6, { size: 10, extra: turned }));
    } else if (isNamed(heat, column)) {
      sheet.body.push(label(name, x, sheet.y + 12, { size: 10, extra: ' text-anchor="middle"' }));
    }
  });
  sheet.body.push(label(words.column, PAD, sheet.y + 12, { size: 10 }));
  sheet.y += upright ? FEET : 30;
}
