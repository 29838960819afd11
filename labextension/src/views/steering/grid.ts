/** Texts over layers and strengths: a cell shows its mean score, and its text in the place below while it is looked at. */

import { h, button, foreign } from '../dom';
import { step } from '../keys';
import { listen } from '../places';
import { side } from '../tokens';
import type { Cell, Grid, SteeringPayload } from './payload';

interface Place {
  row: number;
  column: number;
}

export interface GridPart {
  element: HTMLElement;
  update(payload: SteeringPayload): void;
}

/** `fill` asks for the texts; null where nothing can be asked. */
export function drawGrid(first: SteeringPayload, fill: (() => void) | null, cost: string): GridPart {
  let grid: Grid | null = null;
  let cells: HTMLElement[][] = [];
  const top = h('div', { class: 'iw-grid-row iw-grid-top', role: 'row' });
  const body = h('div', {
    class: 'iw-grid iw-numbered-cells',
    role: 'grid',
    'aria-label': 'Texts over layers and strengths',
    'data-iw': 'grid'
  });
  const text = h('div', { class: 'iw-cell-text', 'aria-live': 'polite', 'data-iw': 'cell-text' });
  const title = h('div', { class: 'iw-heading', 'data-iw': 'grid-title' });
  const words = h('div', { class: 'iw-heading', 'data-iw': 'grid-words' });
  const ask = button({ class: 'iw-control iw-ask', 'data-iw': 'fill' }, 'Fill the grid', () => fill?.());
  ask.hidden = fill === null;
  const offer = h('div', { class: 'iw-grid-offer' }, ask, h('span', { class: 'iw-dim' }, cost));
  offer.hidden = fill === null;
  const drawn = h('div', {}, title, h('div', { class: 'iw-grid-box' }, body), words, text);
  const element = h('div', { class: 'iw-grid-part', 'data-iw': 'grid-part' }, drawn, offer);

  const drawCell = (cell: Cell, at: Place, name: string): HTMLElement => {
    const strength = grid?.columns[at.column] ?? '';
    const item = h(
      'div',
      {
        class: `iw-cell iw-${side(cell.score)}${cell.worse ? ' iw-worse' : ''}`,
        role: 'gridcell',
        tabindex: -1,
        'aria-label': cell.filled
          ? `${name}, strength ${strength}: ${cell.label}, perplexity ${cell.ratio}`
          : `${name}, strength ${strength}: not written yet`,
        'data-iw': 'cell',
        'data-row': at.row,
        'data-index': at.column,
        'data-score': cell.score
      },
      h('span', { class: 'iw-cell-number' }, cell.label),
      cell.worse && h('span', { class: 'iw-mark', 'aria-hidden': 'true' }, '▲')
    );
    item.style.setProperty('--v', String(Math.abs(cell.score)));
    return item;
  };
  const tell = (place: Place | null): void => {
    const row = place === null ? undefined : grid?.rows[place.row];
    const cell = place === null ? undefined : row?.cells[place.column];
    if (place === null || row === undefined || cell === undefined) {
      text.replaceChildren(
        h('span', { class: 'iw-dim' }, 'Point at a cell, or walk with the arrow keys, to read its text.')
      );
      return;
    }
    text.replaceChildren(
      h(
        'div',
        {},
        `${row.name}, strength ${grid?.columns[place.column] ?? ''} `,
        cell.filled && h('b', { class: `iw-value iw-ink-${side(cell.score)}` }, cell.label),
        cell.filled && h('span', { class: 'iw-dim' }, ` perplexity ${cell.ratio}`)
      ),
      ...(cell.filled
        ? cell.texts.map(written => h('div', { class: 'iw-written', dir: 'auto' }, foreign(written)))
        : [h('span', { class: 'iw-dim' }, 'not written yet')])
    );
  };
  const build = (next: Grid | null): void => {
    grid = next;
    drawn.hidden = next === null;
    cells = [];
    body.replaceChildren();
    if (next === null) {
      return;
    }
    title.textContent = `${next.title}: ${next.unit}`;
    words.textContent = next.words;
    ask.textContent = 'Fill it again';
    body.style.setProperty('--max', String(next.max > 0 ? next.max : 1));
    top.replaceChildren(
      h('div', { class: 'iw-row-head', role: 'columnheader' }, 'strength'),
      ...next.columns.map(column =>
        h('div', { class: 'iw-column', role: 'columnheader', 'data-iw': 'column' }, column)
      )
    );
    body.append(top);
    next.rows.forEach((row, at) => {
      const line = row.cells.map((cell, column) => drawCell(cell, { row: at, column }, row.name));
      cells.push(line);
      body.append(
        h(
          'div',
          { class: 'iw-grid-row', role: 'row', 'data-iw': 'grid-row' },
          h('div', { class: 'iw-row-head', role: 'rowheader' }, row.name),
          ...line
        )
      );
    });
  };

  const reach = listen<Place>(body, {
    of: target => {
      const marked = target instanceof Element ? target.closest<HTMLElement>('.iw-cell') : null;
      return marked === null
        ? null
        : { row: Number(marked.dataset.row), column: Number(marked.dataset.index) };
    },
    item: ({ row, column }) => cells[row]?.[column],
    look: place => tell(place ?? reach.focused()),
    choose: () => undefined,
    move: (key, { row, column }) => {
      const across = cells[row]?.length ?? 0;
      if (key === 'ArrowUp' || key === 'ArrowDown') {
        return { row: step(key, row, cells.length, true) ?? row, column };
      }
      const to = step(key, column, across, false);
      return to === null ? null : { row, column: to };
    }
  });
  const update = (payload: SteeringPayload): void => {
    if (payload.grid === grid && grid !== null) {
      return;
    }
    const at = reach.focused();
    build(payload.grid);
    const middle = Math.floor((grid?.columns.length ?? 1) / 2);
    reach.enter(at ?? { row: 0, column: middle });
    if (at !== null) {
      cells[at.row]?.[at.column]?.focus({ preventScroll: true });
    }
    tell(at);
  };
  update(first);
  return { element, update };
}
