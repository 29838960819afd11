/**
 * The grid: explained tokens down, their sources across. A cell's colour and bar are its share of the largest score, by
 * a property of the grid, so that a row that comes later changes no cell before it.
 */

import { h, foreign } from '../dom';
import { step } from '../keys';
import { listen } from '../places';
import { side } from '../tokens';
import { columnsOf } from './payload';
import type { MatrixPayload, Row } from './payload';

/** Columns beyond which a number does not fit into a cell. */
const NUMBERED = 24;

/** A row and a column; column -1 is the row's name. */
export interface Cell {
  row: number;
  column: number;
}

export interface GridEvents {
  /** A cell is looked at, by row and the source's box; `box` is null on the row's name. */
  look(place: { row: number; box: number | null } | null): void;
  choose(box: number): void;
}

export interface Grid {
  element: HTMLElement;
  update(payload: MatrixPayload): void;
  focused(): { row: number; box: number | null } | null;
  dispose(): void;
}

export function drawGrid(first: MatrixPayload, events: GridEvents): Grid {
  let payload = first;
  let columns: number[] = [];
  let heads: HTMLElement[] = [];
  let cells: HTMLElement[][] = [];
  const top = h('div', { class: 'iw-grid-row iw-grid-top', role: 'row' });
  const body = h(
    'div',
    { class: 'iw-grid', role: 'grid', 'aria-label': 'Explained tokens and their sources', 'data-iw': 'grid' },
    top
  );
  const note = h('div', { class: 'iw-total', 'data-iw': 'grid-note' });
  const box = h('div', { class: 'iw-grid-box' }, body);
  const element = h('div', { class: 'iw-grid-part', hidden: true }, box, note);

  const addColumns = (from: number): void => {
    columns.slice(from).forEach(index => {
      const name = payload.boxes[index]?.name ?? '';
      top.append(
        h(
          'div',
          { class: 'iw-column', role: 'columnheader', title: name, 'data-iw': 'column', 'data-index': index },
          foreign(name)
        )
      );
    });
  };
  const drawCell = (row: Row, at: number, index: number): HTMLElement => {
    const score = row.scores[index] ?? 0;
    const label = row.labels[index] ?? '';
    const source = payload.boxes[index]?.name ?? '';
    const cell = h(
      'div',
      {
        class: `iw-cell iw-${side(score)}`,
        role: 'gridcell',
        tabindex: -1,
        'aria-label': `${payload.boxes[row.box]?.name ?? ''} from ${source} ${label}`,
        'data-iw': 'cell',
        'data-row': at,
        'data-index': index,
        'data-score': score
      },
      h('span', { class: 'iw-cell-number' }, label)
    );
    cell.style.setProperty('--v', String(Math.abs(score)));
    return cell;
  };
  const addRows = (from: number): void => {
    payload.rows.slice(from).forEach((row, offset) => {
      const at = from + offset;
      const name = payload.boxes[row.box]?.name ?? '';
      const bar = h('i', { class: 'iw-chance', 'aria-hidden': 'true' });
      bar.style.setProperty('--p', row.probability.toFixed(4));
      const head = h(
        'div',
        {
          class: 'iw-row-head iw-token-head',
          role: 'rowheader',
          tabindex: -1,
          title: name,
          'aria-label': `${name}, probability ${row.label}`,
          'data-iw': 'row-head',
          'data-row': at
        },
        foreign(name, { class: 'iw-name' }),
        bar,
        h('span', { class: 'iw-number iw-dim' }, row.label)
      );
      const drawn = columns.filter(index => index < row.box).map(index => drawCell(row, at, index));
      heads.push(head);
      cells.push(drawn);
      body.append(h('div', { class: 'iw-grid-row', role: 'row', 'data-iw': 'grid-row' }, head, ...drawn));
    });
  };
  const settle = (): void => {
    const across = Math.max(0, ...payload.rows.map(row => row.box));
    element.hidden = payload.rows.length === 0;
    body.style.setProperty('--max', String(payload.scale.max > 0 ? payload.scale.max : 1));
    body.classList.toggle('iw-numbered-cells', columns.length <= NUMBERED);
    const drawn =
      columns.length < across
        ? `The ${columns.length} strongest of ${across} sources have a column; the text shows all.`
        : '';
    note.textContent = drawn;
    note.hidden = drawn === '';
  };
  const build = (): void => {
    top.replaceChildren(
      h(
        'div',
        { class: 'iw-row-head iw-token-head', role: 'columnheader' },
        h('span', { class: 'iw-sr' }, 'token')
      )
    );
    body.replaceChildren(top);
    heads = [];
    cells = [];
    columns = columnsOf(payload);
    addColumns(0);
    addRows(0);
    settle();
  };
  build();

  const at = ({ row, column }: Cell): HTMLElement | undefined =>
    column < 0 ? heads[row] : cells[row]?.[column];
  const placeOf = (target: EventTarget | null): Cell | null => {
    const marked = target instanceof Element ? target.closest<HTMLElement>('.iw-cell, .iw-row-head') : null;
    const row = Number(marked?.dataset.row ?? NaN);
    if (marked === null || Number.isNaN(row)) {
      return null;
    }
    return { row, column: cells[row]?.indexOf(marked) ?? -1 };
  };
  const tell = (cell: Cell | null): { row: number; box: number | null } | null =>
    cell === null ? null : { row: cell.row, box: cell.column < 0 ? null : (columns[cell.column] ?? null) };
  const { enter, focus, focused } = listen<Cell>(body, {
    of: placeOf,
    item: at,
    look: cell => events.look(tell(cell)),
    choose: ({ row }, how) => {
      const box = payload.rows[row]?.box;
      if (how === 'toggle' && box !== undefined) {
        events.choose(box);
      }
    },
    move: (key, { row, column }) => {
      const down = key.startsWith('Arrow') ? step(key, row, heads.length, true) : null;
      if (down !== null) {
        // Earlier rows are shorter.
        return { row: down, column: Math.min(column, (cells[down]?.length ?? 0) - 1) };
      }
      const across = step(key, column + 1, (cells[row]?.length ?? 0) + 1, false);
      return across === null ? null : { row, column: across - 1 };
    }
  });
  enter({ row: 0, column: -1 });

  return {
    element,
    focused: () => tell(focused()),
    update: next => {
      const before = payload;
      payload = next;
      const now = columnsOf(next);
      const grown =
        before.rows.length > 0 &&
        before.rows.every((row, index) => row === next.rows[index]) &&
        columns.every((column, index) => column === now[index]);
      if (!grown) {
        const place = focused();
        build();
        enter({ row: 0, column: -1 });
        if (place !== null) {
          focus(place);
        }
        return;
      }
      const had = columns.length;
      columns = now;
      addColumns(had);
      addRows(before.rows.length);
      settle();
    },
    dispose: () => undefined
  };
}
