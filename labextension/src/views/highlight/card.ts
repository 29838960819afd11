/** Puts the parts of one picture together. Drawing again replaces the card; the view (view.ts) keeps what must last. */

import { h, uniqueId } from '../dom';
import { drawCandidates } from '../candidates';
import { drawFoot } from '../foot';
import { drawTitle, drawVerdict } from '../title';
import { drawTotal } from '../total';
import { drawControls } from './controls';
import { keysOf } from './help';
import { drawLegend, drawReadout } from './readout';
import { drawStrongest } from './strongest';
import { drawTable } from './table';
import { savings } from './save';
import { drawTokens } from './tokens';
import type { Card, CardEvents } from '../view';
import type { Live } from './live';
import type { HighlightPayload } from './payload';

/** What is folded out, and where a person is; it outlives a picture. */
export interface Folds {
  table: boolean;
  why: boolean;
  settings: boolean;
}

/** Rows in each of the two lists. */
const ROWS = 6;

export function drawCard(
  payload: HighlightPayload,
  live: Live | null,
  folds: Folds,
  events: CardEvents
): Card<HighlightPayload> {
  const titleId = uniqueId('title');
  const asks = live !== null && live.options.live;
  const explain = asks ? events.explain : null;

  let looked: number | null = null;
  let selected: ReadonlySet<number> = new Set();
  const readout = drawReadout(payload);
  const tokens = drawTokens(payload, {
    look: index => {
      looked = index ?? tokens.focused();
      readout.show(looked, selected);
    },
    choose: (index, how) => events.choose(index, how, tokens.focused())
  });
  const total = drawTotal(`${payload.boxes.length} tokens, scroll to see all`, tokens.element);
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
    : [
        h('div', { class: 'iw-picture' }, tokens.element, total.element),
        h(
          'div',
          { class: 'iw-reading' },
          h(
            'div',
            {},
            readout.element,
            payload.sum !== null && h('div', { class: 'iw-sum', 'data-iw': 'sum' }, payload.sum)
          ),
          drawLegend(payload)
        )
      ];
  readout.show(null, selected);

  return {
    titleId,
    parts: [
      h('header', { class: 'iw-head' }, drawTitle(payload, titleId), controls.head),
      ...(controls.panel === null ? [] : [controls.panel]),
      drawVerdict(payload.verdict, folds.why, open => {
        folds.why = open;
      }),
      foot.problem,
      ...picture,
      h(
        'div',
        { class: 'iw-lists' },
        payload.candidates.length > 0 && drawCandidates(payload, explain),
        drawStrongest(payload, ROWS, index => {
          if (folds.table) {
            folds.table = false;
            events.redraw();
          }
          events.choose(index, 'only', null);
          tokens.focus(index);
        })
      ),
      foot.help,
      foot.bar,
      foot.footer
    ],
    close: () => foot.closeMenu() || controls.close() || foot.closeHelp(),
    toggleHelp: foot.toggleHelp,
    select: boxes => {
      selected = boxes;
      tokens.select(boxes);
      readout.show(looked, boxes);
    },
    status: foot.status,
    dispose: () => {
      foot.dispose();
      total.dispose();
    }
  };
}
