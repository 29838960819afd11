/** Puts the parts of one picture together. Drawing again replaces the card; the view (view.ts) keeps what must last. */

import { h, uniqueId } from '../dom';
import { drawCandidates } from './candidates';
import { drawControls } from './controls';
import { drawFooter } from './footer';
import { drawHelp } from './help';
import { drawProblem } from './problem';
import { drawProgress } from './progress';
import { drawLegend, drawReadout } from './readout';
import { drawStrongest } from './strongest';
import { drawTable } from './table';
import { drawTitle, drawVerdict } from './title';
import { drawTokens } from './tokens';
import type { ExplainArgs, Live, Status } from './live';
import type { HighlightPayload } from './payload';
import type { How } from './selection';

/** What is folded out, and where a person is; it outlives a picture. */
export interface Folds {
  table: boolean;
  why: boolean;
  settings: boolean;
}

export interface CardEvents {
  explain: (args: ExplainArgs) => void;
  cancel: () => void;
  choose: (index: number, how: How, from: number | null) => void;
  redraw: () => void;
}

export interface Card {
  parts: HTMLElement[];
  titleId: string;
  /** Closes the innermost thing that is open; false if nothing was. */
  close(): boolean;
  toggleHelp(): void;
  select(boxes: ReadonlySet<number>): void;
  status(status: Status): void;
  dispose(): void;
}

/** Rows in each of the two lists. */
const ROWS = 6;

/** Says how many tokens there are when not all are in sight. */
function drawTotal(count: number, scroller: HTMLElement): { element: HTMLElement; dispose(): void } {
  const element = h(
    'div',
    { class: 'iw-total', hidden: true, 'data-iw': 'total' },
    `${count} tokens, scroll to see all`
  );
  if (typeof ResizeObserver === 'undefined') {
    return { element, dispose: () => undefined };
  }
  const observer = new ResizeObserver(() => {
    const hidden = scroller.scrollHeight <= scroller.clientHeight + 2;
    element.hidden = hidden;
    // What scrolls must be reachable; the tokens inside are, and they scroll into sight when focused.
    scroller.parentElement?.classList.toggle('iw-scrolls', !hidden);
  });
  observer.observe(scroller);
  return { element, dispose: () => observer.disconnect() };
}

export function drawCard(
  payload: HighlightPayload,
  live: Live | null,
  folds: Folds,
  events: CardEvents
): Card {
  const titleId = uniqueId('title');
  const asks = live !== null && live.options.live;
  const explain = asks ? events.explain : null;

  let looked: number | null = null;
  let selected: ReadonlySet<number> = new Set();
  const readout = drawReadout(payload);
  const focused = (): number | null => tokens.items.findIndex(item => item === document.activeElement);

  const tokens = drawTokens(payload, {
    look: index => {
      const at = focused();
      looked = index ?? (at !== null && at >= 0 ? at : null);
      readout.show(looked, selected);
    },
    choose: (index, how) => {
      const from = focused();
      events.choose(index, how, from !== null && from >= 0 ? from : null);
    }
  });
  const total = drawTotal(payload.boxes.length, tokens.element);
  const controls = drawControls(
    payload,
    live?.options ?? null,
    live === null ? null : events.explain,
    folds.settings,
    open => {
      folds.settings = open;
    }
  );
  const progress = drawProgress(events.cancel, shown => foot.classList.toggle('iw-working', shown));
  const help = drawHelp(live !== null);
  const toggleHelp = (): void => {
    help.hidden = !help.hidden;
  };
  const footer = drawFooter(payload, progress.line, {
    table: folds.table,
    onTable: () => {
      folds.table = !folds.table;
      events.redraw();
    },
    onKeys: toggleHelp
  });
  const foot = footer.element;
  const problem = h('div', { class: 'iw-problem' });

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
      problem,
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
      help,
      progress.bar,
      foot
    ],
    close: () => {
      if (footer.close() || controls.close()) {
        return true;
      }
      const open = !help.hidden;
      help.hidden = true;
      return open;
    },
    toggleHelp,
    select: boxes => {
      selected = boxes;
      tokens.select(boxes);
      readout.show(looked, boxes);
    },
    status: status => {
      progress.show(status);
      footer.say(status.state === 'cancelled' ? status.text : null);
      problem.replaceChildren();
      if (status.state === 'error') {
        problem.append(drawProblem(status, explain, () => problem.replaceChildren()));
      }
    },
    dispose: () => {
      progress.dispose();
      footer.dispose();
      total.dispose();
    }
  };
}
