/** Puts the parts of the console together. A hand may be on a slider, so it takes over most news without a new drawing. */

import { h, uniqueId } from '../dom';
import { drawFoot } from '../foot';
import { drawTitle, drawVerdict } from '../title';
import { drawTotal } from '../total';
import { drawGauges } from './gauges';
import { drawGrid } from './grid';
import { KEYS } from './help';
import { drawLegend, drawReadout } from './readout';
import { savings } from './save';
import { drawTable } from './table';
import { drawTexts } from './texts';
import type { Status } from '../status';
import type { Card, CardEvents } from '../view';
import type { Live } from './live';
import type { SteeringPayload } from './payload';
import type { Hands } from './still';

/** What is folded out; it outlives a picture. */
export interface Folds {
  table: boolean;
  why: boolean;
  /** The vector that colours the tokens. */
  colour: number;
}

/** Draws what things are set with; `help` shows the keys. */
export type DrawHands = (
  payload: SteeringPayload,
  live: Live | null,
  events: CardEvents & { help(): void }
) => Hands;

export function drawCard(
  first: SteeringPayload,
  live: Live | null,
  folds: Folds,
  events: CardEvents,
  drawHands: DrawHands
): Card<SteeringPayload> {
  const titleId = uniqueId('title');
  let payload = first;
  let looked: number | null = null;
  let selected: ReadonlySet<number> = new Set();
  let status: Status = { state: 'idle' };
  if (folds.colour >= payload.vectors.length) {
    folds.colour = 0;
  }
  const pinned = (): number | null => (selected.size === 1 ? ([...selected][0] ?? null) : null);
  const show = (): void => readout.show(payload, looked ?? pinned());
  const hands = drawHands(payload, live, { ...events, help: () => foot.toggleHelp() });
  const readout = drawReadout();
  const texts = drawTexts(payload, folds.colour, {
    look: index => {
      looked = index ?? texts.focused();
      show();
    },
    choose: (index, how) => events.choose(index, how, texts.focused())
  });
  const total = drawTotal('scroll to see all of both texts', texts.element);
  const legend = h('div', {});
  const verdict = h('div', {});
  const gauges = h('div', {});
  const setup = h('p', { class: 'iw-setup', 'data-iw': 'setup' });
  const { fill } = hands;
  const grid = drawGrid(
    payload,
    fill === null ? null : () => fill(payload.vectors[folds.colour]?.key ?? ''),
    hands.cost
  );

  const makeFoot = () =>
    drawFoot(payload, {
      keys: KEYS,
      savings: savings(
        () => payload,
        () => folds.colour
      ),
      table: folds.table,
      plain: 'text',
      onTable: () => {
        folds.table = !folds.table;
        events.redraw();
      },
      onCancel: events.cancel,
      fix: hands.fill === null ? null : events.explain
    });
  let foot = makeFoot();
  const problem = h('div', {}, foot.problem);
  const end = h('div', {}, foot.help, foot.bar, foot.footer);
  /** The foot names where the picture comes from, so it goes with it; an open list of keys stays open. */
  const renewFoot = (): void => {
    const active = end.contains(document.activeElement) ? document.activeElement : null;
    const hook = active instanceof HTMLElement ? active.dataset.iw : undefined;
    const help = !foot.help.hidden;
    foot.dispose();
    foot = makeFoot();
    problem.replaceChildren(foot.problem);
    end.replaceChildren(foot.help, foot.bar, foot.footer);
    foot.help.hidden = !help;
    foot.status(status);
    if (hook !== undefined) {
      end.querySelector<HTMLElement>(`[data-iw="${hook}"]`)?.focus({ preventScroll: true });
    }
  };

  const colour = (index: number): void => {
    folds.colour = index;
    texts.colour(index);
    legend.replaceChildren(drawLegend(payload, index, colour));
    show();
  };
  const settle = (): void => {
    setup.textContent = payload.setup;
    if (!legend.contains(document.activeElement)) {
      legend.replaceChildren(drawLegend(payload, folds.colour, colour));
    }
    gauges.replaceChildren(drawGauges(payload));
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
  show();

  const picture = folds.table
    ? [drawTable(payload)]
    : [
        h('div', { class: 'iw-picture' }, texts.element, total.element),
        h('div', { class: 'iw-reading' }, readout.element, legend)
      ];

  return {
    titleId,
    parts: [
      h('header', { class: 'iw-head' }, drawTitle(payload, titleId), hands.head),
      ...(hands.panel === null ? [] : [hands.panel]),
      verdict,
      hands.prompt,
      hands.vectors,
      setup,
      problem,
      ...picture,
      gauges,
      grid.element,
      end
    ],
    close: () => foot.closeMenu() || foot.closeHelp() || hands.close(),
    toggleHelp: () => foot.toggleHelp(),
    select: boxes => {
      selected = boxes;
      texts.select(boxes);
      show();
    },
    status: next => {
      status = next;
      hands.status(next, payload);
      foot.status(next);
    },
    update: next => {
      const whole = next.draft !== true;
      const fits = !whole || hands.update(next);
      payload = next;
      if (folds.table || !fits) {
        return !whole; // a table is drawn when both texts are whole
      }
      texts.update(next);
      if (whole) {
        grid.update(next);
        settle();
        renewFoot();
      }
      show();
      return true;
    },
    dispose: () => {
      hands.dispose();
      foot.dispose();
      total.dispose();
    }
  };
}
