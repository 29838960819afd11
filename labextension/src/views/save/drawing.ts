/**
 * Pieces of which views make one SVG text, from the payload alone: light colours, no scripts, no fonts from elsewhere.
 * Each token's width is fixed with `textLength`, so the picture keeps its shape whatever mono face a viewer has.
 */

import { titleText, tone } from '../title';
import { TEMPLATE, direction, paragraphs, runs } from '../lines';
import { share, side } from '../tokens';
import type { Box, Passage, Picture, Word } from '../payload';

export interface Drawing {
  text: string;
  width: number;
  height: number;
}

export const WIDTH = 720;
export const PAD = 16;
const CELL = 9;
const LINE = 38;
const BAR = 8;
export const COLOURS = {
  surface: '#ffffff',
  text: '#1b1f24',
  dim: '#59636e',
  line: '#dcdfe4',
  for: '#0072b2',
  against: '#d55e00',
  ok: '#1a7f37',
  warn: '#8a5a00',
  bad: '#b3261e'
};
export const SHAPES: Record<string, string> = { ok: '●', warn: '▲', bad: '■' };
const MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace';
const SANS = 'system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif';

/** Text for XML: markup escaped, and the characters that XML 1.0 forbids replaced by U+FFFD. */
export function escapeXml(text: string): string {
  let safe = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const allowed =
      code === 9 ||
      code === 10 ||
      code === 13 ||
      (code >= 0x20 && code <= 0xd7ff) ||
      (code >= 0xe000 && code <= 0xfffd) ||
      code >= 0x10000;
    safe += allowed ? character : '\ufffd';
  }
  return safe
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]|\p{Extended_Pictographic}/u;

/** Columns of a mono face that a text takes: one for each character as seen, two for East Asian ones and emoji. */
export function columns(text: string): number {
  let total = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    total += WIDE.test(segment) ? 2 : 1;
  }
  return total;
}

/** Words folded to lines of at most `width` characters. */
export function fold(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && columns(`${line} ${word}`) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

interface Placed {
  box: Box;
  text: string;
  x: number;
  y: number;
  width: number;
  /** Whether its own letters run from right to left. */
  rtl: boolean;
}

/**
 * Gives the boxes of one line their places. Neighbours that run against the line, such as Arabic words in an English
 * sentence, stand in reverse, as a browser would set them.
 */
function placeLine(line: Placed[], rtl: boolean): void {
  const ordered: Placed[] = [];
  let against: Placed[] = [];
  for (const item of line) {
    const strong = /\p{L}/u.test(item.text);
    if (strong && (direction(item.text) === 'rtl') !== rtl) {
      against.unshift(item);
    } else {
      ordered.push(...against, item);
      against = [];
    }
  }
  let x = PAD;
  for (const item of [...ordered, ...against]) {
    item.x = rtl ? WIDTH - x - item.width : x;
    x += item.width;
  }
}

/** Places the boxes of one paragraph in lines; returns where the next paragraph begins. */
function place(boxes: Box[], top: number, out: Placed[]): number {
  const rtl = direction(boxes.map(box => box.text).join('')) === 'rtl';
  const room = WIDTH - 2 * PAD;
  let line: Placed[] = [];
  let used = 0;
  let y = top;
  for (const box of boxes) {
    const text = box.text.replaceAll('\n', '');
    const width = Math.min(room, Math.max(1, columns(text)) * CELL);
    if (used > 0 && used + width > room) {
      placeLine(line, rtl);
      line = [];
      used = 0;
      y += LINE;
    }
    const item = { box, text, x: 0, y, width, rtl: direction(text) === 'rtl' };
    line.push(item);
    out.push(item);
    used += width;
  }
  placeLine(line, rtl);
  return y + LINE;
}

export function label(
  text: string,
  x: number,
  y: number,
  options: { size?: number; fill?: string; extra?: string } = {}
): string {
  const { size = 12, fill = COLOURS.dim, extra = '' } = options;
  return `<text x="${x}" y="${y}" font-size="${size}" fill="${fill}"${extra}>${escapeXml(text)}</text>`;
}

function drawPlaced({ box, text, x, y, width, rtl }: Placed, max: number, muted: boolean): string {
  const kind = side(box.score);
  const size = share(box.score, max);
  const name = `${box.name} ${box.label}`;
  const parts = [`<g><title>${escapeXml(name)}</title>`];
  if (kind !== 'none') {
    const opacity = (size * (muted ? 0.2 : 0.5)).toFixed(3);
    const height = Math.max(1, Math.round(size * BAR));
    const fill = kind === 'for' ? COLOURS.for : 'url(#hatch)';
    parts.push(
      `<rect x="${x}" y="${y}" width="${width}" height="22" rx="2" fill="${COLOURS[kind]}" fill-opacity="${opacity}"/>`,
      `<rect x="${x}" y="${y + 23}" width="${width}" height="${height}" fill="${fill}"${muted ? ' fill-opacity="0.55"' : ''}/>`
    );
  }
  const fixed = columns(text) > 1 ? ` textLength="${width}" lengthAdjust="spacing"` : '';
  const anchor = rtl ? ` direction="rtl" text-anchor="start"` : '';
  parts.push(
    `<text x="${rtl ? x + width : x}" y="${y + 16}" xml:space="preserve"${fixed}${anchor} font-family="${MONO}" ` +
      `font-size="15" fill="${muted ? COLOURS.dim : COLOURS.text}">${escapeXml(text)}</text></g>`
  );
  return parts.join('');
}

/** A body of SVG pieces that grows downwards. */
export class Sheet {
  readonly body: string[] = [];
  y = PAD + 14;

  lines(text: string, width: number, options: { size?: number; fill?: string; extra?: string } = {}): void {
    for (const line of fold(text, width)) {
      this.body.push(label(line, PAD, this.y, options));
      this.y += Math.round((options.size ?? 12) * 1.42);
    }
  }

  title(payload: Picture): void {
    this.lines(titleText(payload), 80, { size: 15, fill: COLOURS.text, extra: ' font-weight="600"' });
  }

  /** The verdict's shape and word in its colour, and what follows them. */
  verdict(word: Word, sentence: string, before = ''): void {
    const mood = tone(word);
    const badge = `${before}${SHAPES[mood] ?? ''} ${word}`;
    fold(`${badge}  ${sentence}`, 96).forEach((line, at) => {
      if (at === 0) {
        this.body.push(
          `<text x="${PAD}" y="${this.y}" font-size="13" fill="${COLOURS.dim}"><tspan font-weight="600" ` +
            `fill="${COLOURS[mood]}">${escapeXml(badge)}</tspan>${escapeXml(line.slice(badge.length))}</text>`
        );
      } else {
        this.body.push(label(line, PAD, this.y, { size: 13 }));
      }
      this.y += 19;
    });
  }

  passage(passage: Passage, muted: boolean): void {
    const placed: Placed[] = [];
    let { y } = this;
    for (const run of runs(passage)) {
      const template = run.label === TEMPLATE;
      if (run.label !== null && !template) {
        this.body.push(label(run.label, PAD, y + 8));
        y += 16;
      }
      for (const part of paragraphs(passage.boxes, run, template)) {
        y = place(passage.boxes.slice(part.start, part.end), y, placed);
      }
    }
    this.body.push(...placed.map(item => drawPlaced(item, passage.scale.max, muted)));
    this.y = y;
  }

  /** The whole, named for those who hear it. */
  drawing(name: string): Drawing {
    const height = this.y - 17 + PAD;
    const text =
      `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" ` +
      `font-family="${SANS}" role="img" aria-label="${escapeXml(name)}">` +
      `<defs><pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">` +
      `<rect width="2.2" height="4" fill="${COLOURS.against}"/></pattern></defs>` +
      `<rect width="${WIDTH}" height="${height}" fill="${COLOURS.surface}"/>${this.body.join('')}</svg>`;
    return { text, width: WIDTH, height };
  }
}
