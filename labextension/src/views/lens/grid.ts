/**
 * The table of the lens: positions across, layers up, as the model computes them. A cell has its best token, and its
 * colour is that token's probability, by a property, so that themes are the style sheet's.
 */

import { h, foreign } from '../dom';
import { step } from '../keys';
import { listen } from '../places';
import { cellAt, cellWords, word } from './payload';
import type { LensPayload, LensRow, Place } from './payload';

/** Probabilities from which a token is written in the other ink: in dark themes, and in light ones. */
const INK = [0.65, 0.92];

export interface GridEvents {
  look(place: Place | null): void;
  choose(place: Place): void;
}

export interface Grid {
  element: HTMLElement;
  focused(): Place | null;
  /** Frames the cells of a position that hold a token, and makes the place the one that Tab reaches. */
  mark(column: number, id: number | null): void;
  /** Takes over rows that changed; false if it is another table. */
  update(payload: LensPayload): boolean;
}

export function drawGrid(first: LensPayload, events: GridEvents): Grid {
  let payload = first;
  let marked: { column: number; id: number | null } | null = null;
  const cells: HTMLElement[][] = payload.rows.map(() => []);
  const lines: HTMLElement[] = [];
  // Late layers stand above: places count from the first layer, lines on the page from the last.
  const body = h('div', {
    class: 'iw-heat iw-lens iw-numbered-cells',
    role: 'grid',
    'aria-label': 'Best next token after each layer and position',
    'data-iw': 'lens-grid'
  });

  const fill = (row: LensRow, at: number): void => {
    const weak = payload.held_out?.weak[row.layer] ?? false;
    cells[at] = row.cells.map((cell, column) => {
      const place = { row: at, column };
      const p = cell?.p ?? 0;
      const element = h(
        'div',
        {
          class: `iw-heat-cell iw-for iw-ink-${INK.filter(from => p >= from).length}${cell === null ? ' iw-unmeasured' : ''}`,
          role: 'gridcell',
          tabindex: -1,
          'aria-selected': 'false',
          'aria-label': cellWords(payload, place),
          'data-iw': 'cell',
          'data-row': at,
          'data-index': column,
          'data-value': cell?.p ?? null
        },
        cell === null ? null : foreign(word(payload, cell.ids[0] ?? 0), { class: 'iw-name' })
      );
      element.style.setProperty('--s', p.toFixed(4));
      return element;
    });
    const note = weak ? 'here this lens is no better than a guess that reads nothing' : '';
    const line = lines[at];
    line?.classList.toggle('iw-weak', weak);
    line?.replaceChildren(
      h(
        'div',
        {
          class: 'iw-heat-head',
          role: 'rowheader',
          title: weak ? `layer ${row.layer}: ${note}` : `layer ${row.layer}`,
          'data-iw': 'row-head',
          'data-row': at
        },
        String(row.layer),
        weak && h('span', { class: 'iw-sr' }, `, ${note}`)
      ),
      ...(cells[at] ?? [])
    );
  };
  payload.rows.forEach(() =>
    lines.push(h('div', { class: 'iw-heat-row', role: 'row', 'data-iw': 'lens-row' }))
  );
  const feet = h(
    'div',
    { class: 'iw-heat-row iw-heat-feet', role: 'row' },
    h('div', { class: 'iw-heat-head iw-dim', role: 'columnheader' }, 'layer'),
    ...payload.boxes.map(box =>
      h(
        'div',
        { class: 'iw-heat-foot', role: 'columnheader', title: box.name, 'data-iw': 'column' },
        foreign(box.name, { class: 'iw-name' })
      )
    )
  );
  body.append(...[...lines].reverse(), feet);
  body.style.setProperty('--n', String(payload.boxes.length));
  payload.rows.forEach(fill);

  const { enter, focused } = listen<Place>(body, {
    of: target => {
      const found = target instanceof Element ? target.closest<HTMLElement>('.iw-heat-cell') : null;
      return found === null ? null : { row: Number(found.dataset.row), column: Number(found.dataset.index) };
    },
    item: ({ row, column }) => cells[row]?.[column],
    look: events.look,
    choose: (place, how) => {
      if (how !== 'extend') {
        events.choose(place);
      }
    },
    move: (key, { row, column }) => {
      if (key === 'ArrowUp' || key === 'ArrowDown') {
        const up = key === 'ArrowUp';
        return { row: Math.min(Math.max(row + (up ? 1 : -1), 0), cells.length - 1), column };
      }
      const to = step(key, column, payload.boxes.length, false);
      return to === null ? null : { row, column: to };
    }
  });
  const last = (): Place => ({ row: payload.rows.length - 1, column: payload.boxes.length - 1 });
  enter(last());

  const frame = (): void => {
    cells.forEach((line, row) =>
      line.forEach((cell, column) => {
        const own = cellAt(payload, { row, column });
        const on = marked !== null && column === marked.column && own?.ids[0] === marked.id;
        cell.setAttribute('aria-selected', String(on));
      })
    );
  };

  const element = h('div', { class: 'iw-heat-box' }, body);
  // The end of a long prompt is what is asked about.
  requestAnimationFrame(() => {
    element.scrollLeft = element.scrollWidth;
  });

  return {
    element,
    focused,
    mark: (column, id) => {
      marked = { column, id };
      frame();
    },
    update: next => {
      if (next.rows.length !== payload.rows.length || next.boxes.length !== payload.boxes.length) {
        return false;
      }
      const before = payload;
      const place = focused();
      payload = next;
      next.rows.forEach((row, at) => {
        if (row !== before.rows[at]) {
          fill(row, at);
        }
      });
      frame();
      if (body.querySelector('[tabindex="0"]') === null) {
        enter(place ?? last());
      }
      if (place !== null && focused() === null) {
        cells[place.row]?.[place.column]?.focus({ preventScroll: true });
      }
      return true;
    }
  };
}
