/** Puts the parts of heads together: the map of all heads, and the attention pattern of the chosen one below it. */

import { h, uniqueId } from '../dom';
import { drawPanel, select } from '../fields';
import { drawFoot } from '../foot';
import { drawHeat, drawHeatReadout } from '../heat';
import { drawTitle, drawVerdict } from '../title';
import { KEYS } from './help';
import { LOOKS, WORDS, drawLegend, headParts, heatOf, lookParts, patternHeat, strongestLook } from './maps';
import { titleOf } from './payload';
import { savings } from './save';
import { drawTable } from './table';
import type { Chosen } from '../chosen';
import type { Place } from '../heat';
import type { Card, CardEvents } from '../view';
import type { Live } from './live';
import type { HeadsPayload, Pattern } from './payload';

/** What is folded out, which head is chosen, and patterns that came later; it outlives a picture. */
export interface Folds {
  table: boolean;
  why: boolean;
  chosen: Chosen;
  extra: Pattern[];
}

const STAND_INS = [
  { value: 'zero', label: 'heads set to zero' },
  { value: 'mean', label: 'heads set to their mean' }
];

/** Where the chosen head is in the map; null for none. */
function placeOf(payload: HeadsPayload, chosen: Chosen): Place | null {
  const [, head, layer] = chosen;
  const row = payload.rows.findIndex(one => one.head === head);
  const column = payload.columns.indexOf(String(layer));
  return row < 0 || column < 0 ? null : { row, column };
}

/** One head's pattern with its own keyboard and readout; of a head whose pattern is not here, where it is. */
function drawPattern(payload: HeadsPayload, pattern: Pattern | null, name: string, awake: boolean) {
  const title = h(
    'div',
    { class: 'iw-strip' },
    h('span', { 'data-iw': 'pattern-title' }, `Attention of ${name}: each row is what a token looks at`)
  );
  if (pattern === null) {
    const why = awake
      ? 'The kernel is asked for this pattern.'
      : 'This picture does not bring the pattern of this head; the result does: result.pattern(layer, head).';
    return [title, h('p', { class: 'iw-note', 'data-iw': 'no-pattern' }, why)];
  }
  const readout = drawHeatReadout('');
  const show = (place: Place | null): void =>
    readout.show(lookParts(payload, pattern, place ?? strongestLook(pattern)));
  readout.element.setAttribute('data-iw', 'look');
  const grid = drawHeat(
    patternHeat(payload, pattern),
    LOOKS,
    { look: place => show(place ?? grid.focused()), choose: show },
    { upright: true }
  );
  grid.element.classList.add('iw-pattern');
  grid.element.querySelectorAll<HTMLElement>('.iw-heat-cell').forEach(cell => {
    cell.dataset.iw = 'weight'; // the head's cells have the other name
  });
  show(null);
  return [
    title,
    h('div', { class: 'iw-heat-part' }, grid.element),
    h(
      'div',
      { class: 'iw-reading' },
      readout.element,
      h('div', { class: 'iw-legend' }, 'deepest: 1, the whole attention of a token; each row adds up to 1')
    )
  ];
}

export function drawCard(
  payload: HeadsPayload,
  live: Live | null,
  folds: Folds,
  events: CardEvents,
  tell: (chosen: Chosen) => void
): Card<HeadsPayload> {
  const titleId = uniqueId('title');
  const awake = live !== null && live.options.live;
  let place = placeOf(payload, folds.chosen);
  let looked: Place | null = null;
  let tokens: ReadonlySet<number> = new Set();

  /** Head and layer whose pattern is shown. */
  const shown = (): [number, number] =>
    place === null
      ? payload.start
      : [payload.rows[place.row]?.head ?? 0, Number(payload.columns[place.column])];
  const patternShown = (): Pattern | null => {
    const [head, layer] = shown();
    const all = [...payload.patterns, ...folds.extra];
    return all.find(one => one.head === head && one.layer === layer) ?? null;
  };
  const title = drawTitle(payload, titleId);
  const readout = drawHeatReadout('Point at a head, or walk with the arrow keys, to read it.');
  const below = h('div', { 'data-iw': 'pattern' });
  const light = (): void =>
    below.querySelectorAll<HTMLElement>('.iw-heat-head[data-row]').forEach(found => {
      found.classList.toggle('iw-selected', tokens.has(payload.queries[Number(found.dataset.row)] ?? -1));
    });
  const show = (): void => {
    const at = looked ?? place ?? placeOf(payload, ['', ...payload.start]);
    readout.show(at === null ? [] : headParts(payload, at));
  };
  const settle = (): void => {
    const [head, layer] = shown();
    grid.mark(place);
    title.textContent = titleOf(payload, head, layer);
    below.replaceChildren(
      ...drawPattern(payload, patternShown(), `head ${head}, layer ${layer}`, live !== null)
    );
    light();
    show();
    // Of a long prompt the end is what gives the answer.
    requestAnimationFrame(() => {
      const box = below.querySelector('.iw-heat-box');
      if (box !== null) {
        box.scrollTop = box.scrollHeight;
      }
    });
  };
  const choose = (next: Place | null): void => {
    place = next;
    folds.chosen =
      next === null ? [] : ['', payload.rows[next.row]?.head ?? 0, Number(payload.columns[next.column])];
    settle();
    tell(folds.chosen);
  };
  const grid = drawHeat(heatOf(payload), WORDS, {
    look: at => {
      looked = at ?? grid.focused();
      show();
    },
    choose: at => choose(place?.row === at.row && place.column === at.column ? null : at)
  });
  settle();

  const head = h('div', { class: 'iw-controls' });
  if (awake) {
    head.append(
      select(STAND_INS, payload.settings.ablation, 'What stands in for a head', 'ablation', ablation =>
        events.explain({ ablation })
      )
    );
  } else if (payload.stand_in !== '') {
    head.append(h('span', { class: 'iw-method', 'data-iw': 'method' }, `heads set to ${payload.stand_in}`));
  }
  const asleep = live !== null && !awake ? drawPanel(head, [], true, false, () => undefined).panel : null;
  const foot = drawFoot(payload, {
    keys: KEYS,
    savings: savings(payload, patternShown),
    table: folds.table,
    plain: 'picture',
    onTable: () => {
      folds.table = !folds.table;
      events.redraw();
    },
    onCancel: events.cancel,
    fix: awake ? events.explain : null
  });
  const picture = folds.table
    ? [drawTable(payload, patternShown())]
    : [
        h('div', { class: 'iw-heat-part' }, grid.element),
        h('div', { class: 'iw-reading' }, readout.element, drawLegend(payload)),
        below
      ];

  return {
    titleId,
    parts: [
      h('header', { class: 'iw-head' }, title, head),
      ...(asleep === null ? [] : [asleep]),
      drawVerdict(payload.verdict, folds.why, open => {
        folds.why = open;
      }),
      foot.problem,
      ...picture,
      ...(payload.rest === null ? [] : [h('p', { class: 'iw-total', 'data-iw': 'rest' }, payload.rest)]),
      foot.help,
      foot.bar,
      foot.footer
    ],
    close: () => {
      if (foot.closeMenu() || foot.closeHelp()) {
        return true;
      }
      const held = place !== null;
      if (held) {
        choose(null);
      }
      return held;
    },
    toggleHelp: foot.toggleHelp,
    select: boxes => {
      tokens = new Set([...boxes].flatMap(at => payload.boxes[at]?.tokens ?? []));
      light();
    },
    status: foot.status,
    dispose: foot.dispose
  };
}
