/**
 * A heat map with one keyboard. A cell's colour is its share of the largest value, by a property, so that themes and
 * muting are the style sheet's; numbers stand in the cells where they fit.
 */

import { h, foreign } from '../dom';
import { step } from '../keys';
import { listen } from '../places';
import { share, side } from '../tokens';
import { INK, NUMBERED, cellWords, isNamed, largest } from './map';
import type { Heat, HeatWords, Place } from './map';

export interface HeatEvents {
  /** A cell is looked at (hover or focus), or none is. */
  look(place: Place | null): void;
  /** A cell is chosen by a click or Enter. */
  choose(place: Place): void;
}

export interface HeatGrid {
  element: HTMLElement;
  /** Where the focus is; null elsewhere on the page. */
  focused(): Place | null;
  /** Frames the chosen cell, and makes it the one that Tab reaches. */
  mark(place: Place | null): void;
}

/** `upright` writes the columns' names from top to bottom: tokens, which have no room otherwise. */
export function drawHeat(
  heat: Heat,
  words: HeatWords,
  events: HeatEvents,
  { upright = false }: { upright?: boolean } = {}
): HeatGrid {
  const numbered = heat.columns.length <= NUMBERED;
  const cells: HTMLElement[][] = [];
  const drawCell = (place: Place): HTMLElement => {
    const value = heat.values[place.row]?.[place.column] ?? null;
    const kind = side(value ?? 0);
    const size = share(value ?? 0, heat.max);
    const ink = INK[kind].filter(from => size >= from).length;
    const cell = h(
      'div',
      {
        class: `iw-heat-cell iw-${kind} iw-ink-${ink}${value === null ? ' iw-unmeasured' : ''}`,
        role: 'gridcell',
        tabindex: -1,
        'aria-selected': 'false',
        'aria-label': cellWords(heat, words, place),
        'data-iw': 'cell',
        'data-row': place.row,
        'data-index': place.column,
        'data-value': value
      },
      numbered &&
        value !== null &&
        h('span', { class: 'iw-heat-number' }, heat.labels[place.row]?.[place.column])
    );
    cell.style.setProperty('--s', size.toFixed(4));
    return cell;
  };
  const rows = heat.rows.map((row, at) => {
    const line = heat.columns.map((_, column) => drawCell({ row: at, column }));
    cells.push(line);
    const head = h(
      'div',
      {
        class: `iw-heat-head${row.mark === null ? '' : ' iw-marked'}`,
        role: 'rowheader',
        title: `${row.name}${row.note === null ? '' : ` ${row.note}`}${row.mark === null ? '' : `, ${row.mark}`}`,
        'data-iw': 'row-head',
        'data-row': at
      },
      foreign(row.name, { class: 'iw-name' }),
      row.note === null ? null : foreign(row.note, { class: 'iw-heat-note' }),
      row.mark !== null && h('span', { class: 'iw-sr' }, `, ${row.mark}`)
    );
    return h('div', { class: 'iw-heat-row', role: 'row', 'data-iw': 'heat-row' }, head, ...line);
  });
  const feet = h(
    'div',
    { class: `iw-heat-row iw-heat-feet${upright ? ' iw-upright' : ''}`, role: 'row' },
    h('div', { class: 'iw-heat-head iw-dim', role: 'columnheader' }, words.column),
    ...heat.columns.map((name, at) =>
      h(
        'div',
        { class: 'iw-heat-foot', role: 'columnheader', title: name, 'data-iw': 'column' },
        foreign(upright || isNamed(heat, at) ? name : '', { class: upright ? 'iw-name' : '' })
      )
    )
  );
  const body = h(
    'div',
    {
      class: `iw-heat${numbered ? ' iw-numbered-cells' : ''}`,
      role: 'grid',
      'aria-label': words.label,
      'data-iw': 'heat'
    },
    ...rows,
    feet
  );
  body.style.setProperty('--n', String(heat.columns.length));

  const { enter, focused } = listen<Place>(body, {
    of: target => {
      const marked = target instanceof Element ? target.closest<HTMLElement>('.iw-heat-cell') : null;
      return marked === null
        ? null
        : { row: Number(marked.dataset.row), column: Number(marked.dataset.index) };
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
        return { row: step(key, row, cells.length, true) ?? row, column };
      }
      const to = step(key, column, heat.columns.length, false);
      return to === null ? null : { row, column: to };
    }
  });
  enter(largest(heat) ?? { row: 0, column: 0 });

  return {
    element: h('div', { class: 'iw-heat-box' }, body),
    focused,
    mark: place => {
      cells.flat().forEach(cell => cell.setAttribute('aria-selected', 'false'));
      if (place !== null) {
        cells[place.row]?.[place.column]?.setAttribute('aria-selected', 'true');
        enter(place);
      }
    }
  };
}
