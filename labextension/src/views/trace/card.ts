/** Puts the parts of one trace together: tabs, the heat map, its readout, and the next tokens of the chosen cell. */

import { placeOf } from '../chosen';
import { h, uniqueId } from '../dom';
import { drawPanel } from '../fields';
import { drawFoot } from '../foot';
import { drawHeat, drawHeatReadout } from '../heat';
import { drawRuns } from '../nextTokens';
import { drawTabs } from '../tabs';
import { drawTitle, drawVerdict } from '../title';
import { drawEditor } from './editor';
import { KEYS } from './help';
import { WORDS, cellParts, drawLegend, heatOf } from './heat';
import { after } from './payload';
import { savings } from './save';
import { drawTable } from './table';
import type { Chosen } from '../chosen';
import type { ChosenFolds } from '../chosenView';
import type { Place } from '../heat';
import type { Run } from '../nextTokens';
import type { Card, CardEvents } from '../view';
import type { Editing } from './editor';
import type { Live } from './live';
import type { Sheet, TracePayload } from './payload';

/** What is folded out, which tab is shown, and which cell is chosen; it outlives a picture. */
export interface Folds extends ChosenFolds {
  table: boolean;
  editing: Editing;
}

/** The runs whose next tokens are shown: clean, corrupted, and restored where a cell is chosen. */
function runsOf(payload: TracePayload, sheet: Sheet, place: Place | null): Run[] {
  const runs: Run[] = payload.tops.map(({ name, items }) => ({ name, items }));
  if (place !== null) {
    const { row, column } = place;
    const name = `restored: ${payload.rows[row]?.name ?? ''}, layer ${payload.columns[column] ?? ''}`;
    runs.push({ name, items: after(payload, sheet, row, column) });
  }
  return runs;
}

export function drawCard(
  payload: TracePayload,
  live: Live | null,
  folds: Folds,
  events: CardEvents,
  tell: (chosen: Chosen) => void
): Card<TracePayload> {
  const titleId = uniqueId('title');
  const sheet = payload.sheets.find(one => one.key === folds.sheet) ?? (payload.sheets[0] as Sheet);
  const awake = live !== null && live.options.live;
  const numbers = payload.rows.map(({ position }) => position);
  let place = placeOf(folds.chosen, sheet.key, numbers, payload.columns);
  let looked: Place | null = null;

  const editor = drawEditor(payload, live, folds.editing, events);
  const readout = drawHeatReadout('Point at a cell, or walk with the arrow keys, to read it.');
  const below = h('div', {});
  const show = (): void => {
    const at = looked ?? place;
    readout.show(at === null ? [] : cellParts(payload, sheet, at));
  };
  const settle = (): void => {
    grid.mark(place);
    const edit = place === null ? null : editor.link(Number(payload.columns[place.column]));
    // Of activations that were saved elsewhere the next tokens are not known.
    const known = payload.tops.some(({ items }) => items.length > 0);
    below.hidden = !known && edit === null && editor.again === null;
    below.replaceChildren(
      h(
        'div',
        { class: 'iw-strip' },
        h(
          'span',
          { 'data-iw': 'runs-title' },
          place === null
            ? 'Next tokens · choose a cell to see them with it restored'
            : 'Next tokens, means over the samples'
        ),
        h('span', { class: 'iw-links' }, edit, editor.again)
      ),
      edit === null ? '' : editor.form,
      drawRuns(runsOf(payload, sheet, place), payload.target)
    );
    show();
  };
  const choose = (next: Place | null): void => {
    place = next;
    folds.chosen =
      next === null ? [] : [sheet.key, numbers[next.row] ?? 0, Number(payload.columns[next.column])];
    settle();
    tell(folds.chosen);
  };
  const grid = drawHeat(heatOf(payload, sheet), WORDS, {
    look: at => {
      looked = at ?? grid.focused();
      show();
    },
    choose: at => choose(place?.row === at.row && place.column === at.column ? null : at)
  });
  settle();

  const tabs = drawTabs(
    [
      ...payload.sheets.map(({ key, name, words }) => ({ key, name, title: `restored: ${words}` })),
      ...(awake ? payload.missing : []).map(({ key, name, words }) => ({
        key,
        name,
        title: `not traced yet: ${words}; choose it to trace it`,
        missing: true
      }))
    ],
    sheet.key,
    'What is restored',
    tab => {
      if (tab.missing === true) {
        events.explain({ kind: tab.key });
      } else {
        folds.sheet = tab.key;
        events.redraw();
      }
    }
  );
  const head = h('div', { class: 'iw-controls' });
  const asleep = live !== null && !awake ? drawPanel(head, [], true, false, () => undefined).panel : null;
  const foot = drawFoot(payload, {
    keys: KEYS,
    savings: savings(payload, sheet),
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
    ? [drawTable(payload, sheet, runsOf(payload, sheet, place))]
    : [
        h('div', { class: 'iw-heat-part' }, grid.element),
        h('div', { class: 'iw-reading' }, readout.element, drawLegend(payload, sheet)),
        below
      ];

  return {
    titleId,
    parts: [
      h('header', { class: 'iw-head' }, drawTitle(payload, titleId), head),
      ...(asleep === null ? [] : [asleep]),
      drawVerdict(payload.verdict, folds.why, open => {
        folds.why = open;
      }),
      h('div', { class: 'iw-tab-part' }, tabs),
      foot.problem,
      ...picture,
      ...(payload.rest === null ? [] : [h('p', { class: 'iw-total', 'data-iw': 'rest' }, payload.rest)]),
      foot.help,
      foot.bar,
      foot.footer
    ],
    close: () => {
      if (foot.closeMenu() || foot.closeHelp() || editor.close()) {
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
      grid.element.querySelectorAll<HTMLElement>('.iw-heat-head[data-row]').forEach(found => {
        const row = payload.rows[Number(found.dataset.row)];
        found.classList.toggle('iw-selected', row !== undefined && tokens.has(row.position));
      });
    },
    status: status => {
      editor.busy(status.state === 'running');
      foot.status(status);
    },
    dispose: foot.dispose
  };
}
