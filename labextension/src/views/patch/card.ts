/** Puts the parts of patching together: both prompts, tabs, the heat map and its readout, exact against estimate. */

import { placeOf } from '../chosen';
import { h, uniqueId } from '../dom';
import { drawPanel } from '../fields';
import { drawFoot } from '../foot';
import { drawHeat, drawHeatReadout } from '../heat';
import { drawRuns } from '../nextTokens';
import { drawTabs } from '../tabs';
import { drawTitle, drawVerdict } from '../title';
import { cellParts, drawLegend, heatOf, wordsOf } from './heat';
import { KEYS } from './help';
import { drawPrompts } from './prompts';
import { savings } from './save';
import { drawScatter } from './scatter';
import { drawTables } from './table';
import type { Chosen } from '../chosen';
import type { ChosenFolds } from '../chosenView';
import type { Place } from '../heat';
import type { Card, CardEvents } from '../view';
import type { Live } from './live';
import type { PatchPayload, Sheet } from './payload';

/** What is folded out, what is shown, and which cell is chosen; it outlives a picture. */
export interface Folds extends ChosenFolds {
  table: boolean;
  /** Whether the estimates are shown; null is what the picture has more of. */
  first: boolean | null;
}

export function drawCard(
  payload: PatchPayload,
  live: Live | null,
  folds: Folds,
  events: CardEvents,
  tell: (chosen: Chosen) => void
): Card<PatchPayload> {
  const titleId = uniqueId('title');
  const sheet = payload.sheets.find(one => one.key === folds.sheet) ?? (payload.sheets[0] as Sheet);
  const first = sheet.first !== null && (folds.first ?? payload.sparse);
  const awake = live !== null && live.options.live;
  const patched = payload.runs.findIndex(run => run.name.startsWith(payload.base.name));
  const numbers = payload.rows.map(({ number }) => number);
  let place = placeOf(folds.chosen, sheet.key, numbers, payload.columns);
  let looked: Place | null = null;

  const readout = drawHeatReadout('Point at a cell, or walk with the arrow keys, to read it.');
  const prompts = drawPrompts(payload, patched);
  const show = (): void => {
    const at = looked ?? place;
    readout.show(at === null ? [] : cellParts(payload, sheet, first, at));
    prompts.light(at === null || payload.row !== 'token' ? null : (numbers[at.row] ?? null));
  };
  const choose = (next: Place | null): void => {
    place = next;
    folds.chosen =
      next === null ? [] : [sheet.key, numbers[next.row] ?? 0, Number(payload.columns[next.column])];
    grid.mark(place);
    show();
    tell(folds.chosen);
  };
  const grid = drawHeat(heatOf(payload, sheet, first), wordsOf(payload), {
    look: at => {
      looked = at ?? grid.focused();
      show();
    },
    choose: at => choose(place?.row === at.row && place.column === at.column ? null : at)
  });
  grid.mark(place);
  show();

  const sites = drawTabs(
    [
      ...payload.sheets.map(({ key, name, words }) => ({ key, name, title: `patched: ${words}` })),
      ...(awake && live.options.ask ? payload.missing : []).map(({ key, name, words }) => ({
        key,
        name,
        title: `not patched yet: ${words}; choose it to patch it`,
        missing: true
      }))
    ],
    sheet.key,
    'What is patched',
    tab => {
      if (tab.missing === true) {
        events.explain({ site: tab.key });
      } else {
        folds.sheet = tab.key;
        events.redraw();
      }
    }
  );
  const ways =
    sheet.first === null
      ? null
      : drawTabs(
          [
            { key: 'exact', name: payload.sparse ? 'exact, a sample' : 'exact' },
            { key: 'first', name: 'first-order' }
          ],
          first ? 'first' : 'exact',
          'Exact or estimated',
          tab => {
            folds.first = tab.key === 'first';
            events.redraw();
          }
        );
  const head = h('div', { class: 'iw-controls' });
  const asleep = live !== null && !awake ? drawPanel(head, [], true, false, () => undefined).panel : null;
  const foot = drawFoot(payload, {
    keys: KEYS,
    savings: savings(payload, sheet, first),
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
    ? [drawTables(payload, sheet)]
    : [
        h('div', { class: 'iw-heat-part' }, grid.element),
        h('div', { class: 'iw-reading' }, readout.element, drawLegend(payload, sheet, first)),
        drawScatter(payload, sheet),
        ...(payload.tops.some(({ items }) => items.length > 0)
          ? [
              h('div', { class: 'iw-strip' }, 'Next tokens of both runs'),
              drawRuns(payload.tops, payload.target)
            ]
          : [])
      ].filter(part => part !== null);

  return {
    titleId,
    parts: [
      h('header', { class: 'iw-head' }, drawTitle(payload, titleId), head),
      ...(asleep === null ? [] : [asleep]),
      drawVerdict(payload.verdict, folds.why, open => {
        folds.why = open;
      }),
      prompts.element,
      h('div', { class: 'iw-tab-part' }, sites, ways),
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
      const tokens = new Set([...boxes].flatMap(at => payload.boxes[at]?.tokens ?? []));
      prompts.element
        .querySelectorAll<HTMLElement>(`.iw-piece[data-run="${patched}"]`)
        .forEach(piece => piece.classList.toggle('iw-selected', tokens.has(Number(piece.dataset.at))));
    },
    status: foot.status,
    dispose: foot.dispose
  };
}
