/** The fixed readout: a token with its sources or with what it feeds, or one cell; and what the colours mean. */

import { h, foreign, append } from '../dom';
import { side } from '../tokens';
import { strongest } from './payload';
import type { Lit } from './text';
import type { MatrixPayload, Row } from './payload';

/** How many tokens are named. */
const NAMED = 4;

/** What is looked at: a token for its sources, a token for what it feeds, or one cell of the grid. */
export type Look =
  | { what: 'sources'; row: Row }
  | { what: 'feeds'; box: number }
  | { what: 'cell'; row: Row; box: number }
  | null;

/** A token's own sources, unless it has none or what it feeds is asked for. */
export function lookAt(payload: MatrixPayload, index: number | null, feeds: boolean): Look {
  if (index === null) {
    const row = payload.complete ? payload.rows[0] : payload.rows.at(-1);
    return row === undefined ? null : { what: 'sources', row };
  }
  const row = payload.rows.find(found => found.box === index);
  return row === undefined || feeds ? { what: 'feeds', box: index } : { what: 'sources', row };
}

/** The scores of what is looked at, by box. */
export function litBy(payload: MatrixPayload, look: Look): Lit {
  const scores = new Map<number, { score: number; label: string }>();
  if (look === null) {
    return { scores, max: 0 };
  }
  if (look.what === 'feeds') {
    for (const row of payload.rows) {
      if (look.box < row.box) {
        scores.set(row.box, { score: row.scores[look.box] ?? 0, label: row.labels[look.box] ?? '' });
      }
    }
    return { scores, max: Math.max(0, ...[...scores.values()].map(({ score }) => Math.abs(score))) };
  }
  look.row.scores.forEach((score, box) => scores.set(box, { score, label: look.row.labels[box] ?? '' }));
  return { scores, max: look.row.scale.max };
}

export interface Readout {
  element: HTMLElement;
  show(payload: MatrixPayload, look: Look, lit: Lit): void;
}

export function drawReadout(): Readout {
  const element = h('div', { class: 'iw-readout', 'aria-live': 'polite', 'data-iw': 'readout' });
  const named = (payload: MatrixPayload, box: number): HTMLElement =>
    foreign(payload.boxes[box]?.name ?? '', { class: 'iw-name' });
  const value = (score: number, label: string): HTMLElement =>
    h('b', { class: `iw-value iw-ink-${side(score)}` }, label);

  const list = (payload: MatrixPayload, words: string, lit: Lit): void => {
    const boxes = [...lit.scores.keys()];
    const places = strongest(
      boxes.map(box => lit.scores.get(box)?.score ?? 0),
      NAMED
    );
    const line = h('span', { class: 'iw-parts' }, words);
    places.forEach((place, at) => {
      const box = boxes[place] ?? 0;
      const found = lit.scores.get(box);
      append(line, [
        at > 0 && ', ',
        named(payload, box),
        ' ',
        found !== undefined && value(found.score, found.label)
      ]);
    });
    append(line, [places.length === 0 ? 'none' : ` ${payload.scale.unit}`]);
    element.append(line);
  };

  return {
    element,
    show: (payload, look, lit) => {
      element.replaceChildren();
      if (look === null) {
        element.append(h('span', { class: 'iw-dim' }, 'No token is explained yet.'));
      } else if (look.what === 'cell') {
        const { row, box } = look;
        append(element, [
          named(payload, row.box),
          h('span', { class: 'iw-dim' }, 'from'),
          named(payload, box),
          value(row.scores[box] ?? 0, row.labels[box] ?? ''),
          h('span', { class: 'iw-dim' }, payload.scale.unit)
        ]);
      } else if (look.what === 'sources') {
        const { row } = look;
        const parts = payload.boxes[row.box]?.parts ?? [];
        append(element, [
          named(payload, row.box),
          h('span', { class: 'iw-dim' }, `probability ${row.label}, entropy ${row.entropy}, next best`),
          foreign(row.runner.name, { class: 'iw-name' }),
          h('span', { class: 'iw-dim' }, row.runner.label)
        ]);
        if (parts.length > 0) {
          const line = h('span', { class: 'iw-parts' }, `${parts.length} tokens: `);
          parts.forEach((part, at) => append(line, [at > 0 && ', ', foreign(part)]));
          element.append(line);
        }
        list(payload, 'comes from ', lit);
      } else {
        element.append(named(payload, look.box));
        list(payload, 'feeds ', lit);
      }
    }
  };
}

/** The colours, their patterns, and to what they are scaled. */
export function drawLegend(payload: MatrixPayload): HTMLElement {
  return h(
    'div',
    { class: 'iw-legend', 'data-iw': 'legend' },
    h('div', { class: 'iw-legend-names' }, h('span', {}, 'against (hatched)'), h('span', {}, 'for (solid)')),
    h(
      'div',
      { class: 'iw-scale', 'aria-hidden': 'true' },
      h('i', { class: 'iw-scale-against' }),
      h('i', { class: 'iw-scale-for' })
    ),
    h('div', {}, 'text: to the largest score of the token'),
    h('div', {}, `grid: to the largest of all, ${payload.scale.label} ${payload.scale.unit}`),
    h('div', {}, 'line above a token: its probability')
  );
}
