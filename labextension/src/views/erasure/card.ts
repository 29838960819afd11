/** Puts the parts of an erasure together. */

import { h, append, foreign, uniqueId } from '../dom';
import { drawFoot } from '../foot';
import { drawTabs } from '../tabs';
import { drawTitle, drawVerdict } from '../title';
import { barParts, drawBars } from './bars';
import { drawPlaces, drawRounds } from './charts';
import { drawDamage } from './damage';
import { drawHands } from './hands';
import { KEYS } from './help';
import { PLANES, SHAPES, axesWords } from './planes';
import { drawProjection } from './projection';
import { savings } from './save';
import { drawTable } from './table';
import type { Card, CardEvents } from '../view';
import type { Live } from './live';
import type { ErasurePayload, Place, Point } from './payload';
import type { Plane } from './planes';

/** What is folded out, and what is shown; it outlives a picture. */
export interface Folds {
  table: boolean;
  why: boolean;
  plane: string;
  /** Whose probes are shown; null is the place of the points. */
  place: number | null;
}

const HINT = 'Point at a state, a bar or a place to read it.';

function pointParts(payload: ErasurePayload, point: Point): Node[] {
  return [
    foreign(point.name, { class: 'iw-name' }),
    h('span', {}, foreign(payload.classes[point.class] ?? '')),
    h('span', { class: 'iw-value' }, `${point.labels[0]} → ${point.labels[1]}`),
    h('span', { class: 'iw-dim' }, 'on the concept’s own axis'),
    ...(point.text === '' ? [] : [foreign(point.text, { class: 'iw-parts iw-sentence-of' })])
  ];
}

function drawLegend(payload: ErasurePayload, plane: Plane): HTMLElement {
  const place = payload.places[payload.start];
  return h(
    'div',
    { class: 'iw-legend', 'data-iw': 'legend' },
    h(
      'div',
      { class: 'iw-lines' },
      ...payload.classes.map((name, at) =>
        h(
          'span',
          {},
          h('i', { class: `iw-point iw-key iw-k${at % SHAPES}`, 'aria-hidden': 'true' }),
          foreign(name)
        )
      )
    ),
    h('div', {}, axesWords(payload, plane)),
    h('div', {}, `${payload.boxes.length} test states${place === undefined ? '' : ` at ${place.name}`}.`)
  );
}

export function drawCard(
  payload: ErasurePayload,
  live: Live | null,
  folds: Folds,
  events: CardEvents
): Card<ErasurePayload> {
  const titleId = uniqueId('title');
  const at = Math.min(folds.place ?? payload.start, payload.places.length - 1);
  const place = payload.places[at] as Place;
  const plane = PLANES.find(({ key }) => key === folds.plane) ?? (PLANES[0] as Plane);
  let selected: ReadonlySet<number> = new Set();
  let looked: number | null = null;
  let told: (Node | string)[] | null = null;

  const hands = drawHands(payload, live, events);
  const readout = h('div', { class: 'iw-readout', 'aria-live': 'polite', 'data-iw': 'readout' });
  const show = (): void => {
    const pinned = selected.size === 1 ? ([...selected][0] ?? null) : null;
    const index = looked ?? pinned;
    const point = index === null ? undefined : payload.boxes[index];
    readout.replaceChildren();
    append(
      readout,
      told ?? (point === undefined ? [h('span', { class: 'iw-dim' }, HINT)] : pointParts(payload, point))
    );
  };
  const tell = (parts: (Node | string)[] | null): void => {
    told = parts;
    show();
  };
  const projection = drawProjection(payload, plane, {
    look: index => {
      looked = index ?? projection.focused();
      projection.light(looked);
      show();
    },
    choose: (index, how) => events.choose(index, how, projection.focused())
  });
  show();
  const planes = drawTabs(PLANES, plane.key, 'Which axes', tab => {
    folds.plane = tab.key;
    events.redraw();
  });
  const foot = drawFoot(payload, {
    keys: KEYS,
    savings: savings(payload, plane, place),
    table: folds.table,
    plain: 'picture',
    onTable: () => {
      folds.table = !folds.table;
      events.redraw();
    },
    onCancel: events.cancel,
    fix: live !== null && live.options.live ? events.explain : null
  });
  const picture = folds.table
    ? [drawTable(payload, place)]
    : [
        h('div', { class: 'iw-tab-part' }, planes),
        projection.element,
        h('div', { class: 'iw-reading' }, readout, drawLegend(payload, plane)),
        payload.apart === '' ? null : h('p', { class: 'iw-apart-words', 'data-iw': 'apart' }, payload.apart),
        drawPlaces(payload, at, tell, next => {
          folds.place = next;
          events.redraw();
        }),
        drawBars(payload, place, (bar, baseline) =>
          tell(bar === null && !baseline ? null : barParts(payload, place, bar))
        ),
        drawRounds(payload, tell),
        drawDamage(payload, place)
      ];
  return {
    titleId,
    parts: [
      h('header', { class: 'iw-head' }, drawTitle(payload, titleId), hands.head),
      hands.panel,
      drawVerdict(payload.verdict, folds.why, open => {
        folds.why = open;
      }),
      hands.state,
      foot.problem,
      ...picture,
      foot.help,
      foot.bar,
      foot.footer
    ].filter(part => part !== null),
    close: () => foot.closeMenu() || foot.closeHelp(),
    toggleHelp: foot.toggleHelp,
    select: points => {
      selected = points;
      projection.select(points);
      show();
    },
    status: status => {
      hands.busy(status.state === 'running');
      foot.status(status);
    },
    dispose: foot.dispose
  };
}
