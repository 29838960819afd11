/** Puts the parts of one lens together. While a run fills it, it takes over rows without being drawn anew. */

import { h, uniqueId } from '../dom';
import { drawFoot } from '../foot';
import { drawTitle, drawVerdict } from '../title';
import { drawControls } from './controls';
import { drawGrid } from './grid';
import { KEYS } from './help';
import { cellAt } from './payload';
import { drawReadout } from './readout';
import { savings } from './save';
import { drawTable } from './table';
import { drawTrails } from './trails';
import type { Card, CardEvents } from '../view';
import type { Live } from './live';
import type { LensPayload, Place } from './payload';

/** What is folded out, and which token is followed where; it outlives a picture. */
export interface Folds {
  table: boolean;
  why: boolean;
  /** A position's column, and a place in `words`. */
  chosen: { column: number; id: number } | null;
}

export function drawCard(
  first: LensPayload,
  live: Live | null,
  folds: Folds,
  events: CardEvents
): Card<LensPayload> {
  const titleId = uniqueId('title');
  let payload = first;
  let looked: Place | null = null;
  let selected: ReadonlySet<number> = new Set();

  const readout = drawReadout();
  const trails = drawTrails();
  const top = (column: number): Place => ({ row: payload.rows.length - 1, column });
  /** The position whose tokens are followed: that of the chosen token, else the selected one, else the last. */
  const column = (): number =>
    folds.chosen?.column ?? (selected.size === 1 ? [...selected][0] : undefined) ?? payload.boxes.length - 1;
  const chosen = (at: number): number | null =>
    folds.chosen !== null && folds.chosen.column === at ? folds.chosen.id : (payload.followed[0] ?? null);
  const show = (): void => {
    const place = looked ?? (payload.boxes.length > 0 ? top(column()) : null);
    const at = place?.column ?? column();
    readout.show(payload, place, chosen(at));
    trails.show(payload, at, chosen(at), place === null ? null : (payload.rows[place.row]?.layer ?? null));
  };
  const mark = (): void => grid.mark(column(), chosen(column()));
  const grid = drawGrid(payload, {
    look: place => {
      looked = place ?? grid.focused();
      show();
    },
    choose: place => {
      const cell = cellAt(payload, place);
      if (cell !== null) {
        folds.chosen = { column: place.column, id: cell.ids[0] ?? 0 };
        looked = place;
        events.choose(place.column, 'only', null);
        mark();
        show();
      }
    }
  });
  const amount = h('span', { 'data-iw': 'amount' });
  const verdict = h('div', {});
  const rest = h('p', { class: 'iw-total', 'data-iw': 'rest' });
  const settle = (): void => {
    amount.textContent = payload.amount;
    rest.textContent = payload.rest ?? '';
    rest.hidden = payload.rest === null;
    verdict.replaceChildren();
    if (payload.verdict !== null) {
      verdict.append(
        drawVerdict(payload.verdict, folds.why, open => {
          folds.why = open;
        })
      );
    }
  };
  settle();
  const controls = drawControls(payload, live, events.explain);
  const foot = drawFoot(payload, {
    keys: KEYS,
    savings: savings(() => payload),
    table: folds.table,
    plain: 'picture',
    onTable: () => {
      folds.table = !folds.table;
      events.redraw();
    },
    onCancel: events.cancel,
    fix: live !== null && live.options.live ? events.explain : null
  });
  const legend = h(
    'div',
    { class: 'iw-legend', 'data-iw': 'legend' },
    h('div', { class: 'iw-legend-names' }, h('span', {}, '0'), h('span', {}, '1')),
    h('div', { class: 'iw-heat-scale', 'aria-hidden': 'true' }, h('i', { class: 'iw-for' })),
    h('div', {}, 'colour: probability of the token in the cell'),
    (payload.held_out?.weak.includes(true) ?? false) &&
      h('div', {}, 'italic: layers where the lens is no better than a guess')
  );
  const picture = folds.table
    ? [drawTable(payload)]
    : [
        h('div', { class: 'iw-heat-part' }, grid.element),
        h('div', { class: 'iw-reading' }, readout.element, legend),
        h('div', { class: 'iw-strip' }, controls.follow, amount),
        trails.element
      ];
  mark();
  show();

  return {
    titleId,
    parts: [
      h('header', { class: 'iw-head' }, drawTitle(payload, titleId), controls.head),
      ...(controls.panel === null ? [] : [controls.panel]),
      verdict,
      foot.problem,
      ...picture,
      rest,
      foot.help,
      foot.bar,
      foot.footer
    ],
    close: () => foot.closeMenu() || foot.closeHelp(),
    toggleHelp: foot.toggleHelp,
    select: boxes => {
      selected = boxes;
      const only = boxes.size === 1 ? [...boxes][0] : undefined;
      if (folds.chosen !== null && only !== folds.chosen.column) {
        folds.chosen = null;
      }
      mark();
      show();
    },
    status: foot.status,
    update: next => {
      const fits = !next.complete && !payload.complete && !folds.table && grid.update(next);
      if (!fits) {
        return false;
      }
      payload = next;
      settle();
      mark();
      show();
      return true;
    },
    dispose: () => foot.dispose()
  };
}
