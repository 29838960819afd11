/** Puts the parts of one comparison together. Drawing again replaces the card; the view keeps what must last. */

import { h, uniqueId } from '../dom';
import { drawCandidates } from '../candidates';
import { drawFoot } from '../foot';
import { drawTitle } from '../title';
import { drawTotal } from '../total';
import { drawAgreement, drawDiffer } from './agreement';
import { drawControls } from './controls';
import { keysOf } from './help';
import { drawLegend, drawReadout } from './readout';
import { drawRows } from './rows';
import { savings } from './save';
import { drawTable } from './table';
import type { Card, CardEvents } from '../view';
import type { Live } from './live';
import type { ComparePayload } from './payload';
import type { Place } from './rows';

/** What is folded out, and where a person is; it outlives a picture. */
export interface Folds {
  table: boolean;
  settings: boolean;
}

export function drawCard(
  payload: ComparePayload,
  live: Live | null,
  folds: Folds,
  events: CardEvents
): Card<ComparePayload> {
  const titleId = uniqueId('title');
  const explain = live !== null && live.options.live ? events.explain : null;

  let looked: Place | null = null;
  let selected: ReadonlySet<number> = new Set();
  const readout = drawReadout(payload);
  const show = (): void => {
    readout.show(looked, selected);
    const one = selected.size === 1 ? ([...selected][0] ?? null) : null;
    rows.light(looked === null ? one : looked.index >= 0 ? looked.index : null);
  };
  const rows = drawRows(payload, {
    look: place => {
      looked = place ?? rows.focused();
      show();
    },
    choose: (index, how) => {
      const from = rows.focused();
      events.choose(index, how, from !== null && from.index >= 0 ? from.index : null);
    }
  });
  const last = rows.scrollers.at(-1) ?? rows.element;
  const total = drawTotal(`${payload.boxes.length} tokens, scroll to see all`, last);
  const controls = drawControls(
    payload,
    live?.options ?? null,
    live === null ? null : events.explain,
    folds.settings,
    open => {
      folds.settings = open;
    }
  );
  const foot = drawFoot(payload, {
    keys: keysOf(live !== null),
    savings: savings(payload),
    table: folds.table,
    plain: 'text',
    onTable: () => {
      folds.table = !folds.table;
      events.redraw();
    },
    onCancel: events.cancel,
    fix: explain
  });
  const picture = folds.table
    ? [drawTable(payload)]
    : [rows.element, total.element, h('div', { class: 'iw-reading' }, readout.element, drawLegend(payload))];
  readout.show(null, selected);

  return {
    titleId,
    parts: [
      h('header', { class: 'iw-head' }, drawTitle(payload, titleId), controls.head),
      ...(controls.panel === null ? [] : [controls.panel]),
      h('p', { class: 'iw-lead', 'data-iw': 'sentence' }, payload.sentence),
      foot.problem,
      ...picture,
      ...(payload.rest === null ? [] : [h('p', { class: 'iw-total', 'data-iw': 'rest' }, payload.rest)]),
      h(
        'div',
        { class: 'iw-lists' },
        drawDiffer(payload, index => {
          if (folds.table) {
            folds.table = false;
            events.redraw();
          }
          events.choose(index, 'only', null);
          rows.focus({ row: 0, index });
        }),
        payload.methods.length > 1 && drawAgreement(payload),
        payload.candidates.length > 0 && drawCandidates(payload, explain)
      ),
      foot.help,
      foot.bar,
      foot.footer
    ],
    close: () => foot.closeMenu() || controls.close() || foot.closeHelp(),
    toggleHelp: foot.toggleHelp,
    select: boxes => {
      selected = boxes;
      rows.select(boxes);
      show();
    },
    status: foot.status,
    dispose: () => {
      foot.dispose();
      total.dispose();
    }
  };
}
