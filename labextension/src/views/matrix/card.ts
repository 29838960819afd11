/** Puts the parts of one matrix together. While a run fills it, it takes over rows without being drawn anew. */

import { h, button, uniqueId } from '../dom';
import { drawPanel, select } from '../fields';
import { drawFoot } from '../foot';
import { drawTitle, drawVerdict } from '../title';
import { drawTotal } from '../total';
import { drawGrid } from './grid';
import { KEYS } from './help';
import { drawLegend, drawReadout, litBy, lookAt } from './readout';
import { savings } from './save';
import { drawTable } from './table';
import { drawText } from './text';
import type { Card, CardEvents } from '../view';
import type { Live } from './live';
import type { MatrixPayload } from './payload';
import type { Look } from './readout';

/** What is folded out, and where a person is; it outlives a picture. */
export interface Folds {
  table: boolean;
  why: boolean;
  /** Whether a generated token shows what it feeds in place of its sources. */
  feeds: boolean;
}

/** The method, to be chosen where a model is there; without one a line says so. */
function drawMethod(payload: MatrixPayload, live: Live | null, events: CardEvents) {
  const head = h('div', { class: 'iw-controls' });
  const methods = live?.options.methods ?? [];
  const name = payload.settings?.method ?? '';
  if (live === null || !payload.complete || methods.length === 0) {
    head.append(h('span', { class: 'iw-method', 'data-iw': 'method' }, payload.method));
    return { head, panel: null };
  }
  const choice = select(
    methods.map(method => ({ value: method.name, label: method.label })),
    name,
    'Method',
    'method',
    method => events.explain({ method })
  );
  choice.disabled = !live.options.live;
  head.append(choice);
  const panel = live.options.live ? null : drawPanel(head, [], true, false, () => undefined).panel;
  return { head, panel };
}

export function drawCard(
  first: MatrixPayload,
  live: Live | null,
  folds: Folds,
  events: CardEvents
): Card<MatrixPayload> {
  const titleId = uniqueId('title');
  let payload = first;
  let looked: number | null = null;
  let cell: { row: number; box: number | null } | null = null;
  let selected: ReadonlySet<number> = new Set();

  const readout = drawReadout();
  const pinned = (): number | null => (selected.size === 1 ? ([...selected][0] ?? null) : null);
  const current = (): Look => {
    const row = cell === null ? undefined : payload.rows[cell.row];
    if (cell !== null && row !== undefined) {
      return cell.box === null ? { what: 'sources', row } : { what: 'cell', row, box: cell.box };
    }
    return lookAt(payload, looked ?? pinned(), folds.feeds);
  };
  const show = (): void => {
    const look = current();
    const lit = litBy(payload, look);
    text.light(lit, look === null ? null : look.what === 'feeds' ? look.box : look.row.box);
    readout.show(payload, look, lit);
  };
  const turn = (): void => {
    folds.feeds = !folds.feeds;
    direction.setAttribute('aria-pressed', String(folds.feeds));
    show();
  };
  const text = drawText(payload, {
    look: index => {
      looked = index ?? text.focused();
      show();
    },
    choose: (index, how) => events.choose(index, how, text.focused()),
    keys: { r: turn }
  });
  const grid = drawGrid(payload, {
    look: place => {
      cell = place ?? grid.focused();
      show();
    },
    choose: box => events.choose(box, 'toggle', null)
  });
  const direction = button(
    {
      class: 'iw-link',
      'aria-pressed': String(folds.feeds),
      'data-iw': 'direction',
      title: 'On a generated token: show what it feeds in place of its sources (r)'
    },
    'What a token feeds',
    turn
  );
  const total = drawTotal(`${payload.boxes.length} tokens, scroll to see all`, text.element);
  const amount = h('span', { 'data-iw': 'amount' }, payload.amount);
  const verdict = h('div', {});
  const legend = h('div', {});
  const rest = h('p', { class: 'iw-total', 'data-iw': 'rest' });
  const settle = (): void => {
    amount.textContent = payload.amount;
    total.element.textContent = `${payload.boxes.length} tokens, scroll to see all`;
    rest.textContent = payload.rest ?? '';
    rest.hidden = payload.rest === null;
    legend.replaceChildren(drawLegend(payload));
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
  const controls = drawMethod(payload, live, events);
  const foot = drawFoot(payload, {
    keys: KEYS,
    savings: savings(() => payload),
    table: folds.table,
    plain: 'text',
    onTable: () => {
      folds.table = !folds.table;
      events.redraw();
    },
    onCancel: events.cancel,
    fix: live !== null && live.options.live ? events.explain : null
  });
  const picture = folds.table
    ? [drawTable(payload)]
    : [
        h('div', { class: 'iw-picture' }, text.element, total.element),
        h('div', { class: 'iw-reading' }, readout.element, legend),
        h('div', { class: 'iw-strip' }, amount, direction),
        grid.element
      ];
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
      text.select(boxes);
      show();
    },
    status: foot.status,
    update: next => {
      const fits = !next.complete && !payload.complete && !folds.table && next.boxes[0] === payload.boxes[0];
      if (!fits) {
        return false;
      }
      payload = next;
      text.update(next);
      grid.update(next);
      settle();
      show();
      return true;
    },
    dispose: () => {
      foot.dispose();
      total.dispose();
      grid.dispose();
    }
  };
}
