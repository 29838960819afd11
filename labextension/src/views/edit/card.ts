/** Puts the parts of an edit together. */

import { h, append, foreign, uniqueId } from '../dom';
import { drawFoot } from '../foot';
import { drawTabs } from '../tabs';
import { drawTitle, drawVerdict } from '../title';
import { drawTotal } from '../total';
import { drawChecks } from './checks';
import { drawHands } from './hands';
import { KEYS } from './help';
import { drawNext } from './next';
import { savings } from './save';
import { drawSizes, drawWhole } from './sizes';
import { drawTable } from './table';
import { drawTexts } from './texts';
import type { Card, CardEvents } from '../view';
import type { Held } from './hands';
import type { Live } from './live';
import type { Check, EditPayload, TextBox } from './payload';

/** What is folded out, and what is half said; it outlives a picture. */
export interface Folds extends Held {
  table: boolean;
  why: boolean;
  /** Which prompt's texts are shown. */
  sample: number;
  /** Parts of the evaluation that are open, or not, otherwise than at first. */
  folded: Map<string, boolean>;
}

const HINT = 'Point at a token or a check to read it.';

function tokenParts(box: TextBox, side: string): (Node | string)[] {
  return [
    foreign(box.name, { class: 'iw-name' }),
    h('span', { class: 'iw-value' }, `probability ${box.probability}`),
    h(
      'span',
      { class: 'iw-parts' },
      `${side} the edit${box.differs ? ', and only there' : ''}` +
        (box.parts.length > 0 ? `; ${box.parts.length} tokens: ${box.parts.join(', ')}` : '')
    )
  ];
}

function checkParts(check: Check): (Node | string)[] {
  return [
    h('span', { class: 'iw-value' }, `${check.mark} ${check.word}`),
    ...check.answers.map(({ name, wanted, before, after }) =>
      h(
        'span',
        {},
        h('span', { class: 'iw-dim' }, wanted ? 'wanted ' : 'not '),
        foreign(name, { class: 'iw-name' }),
        ` ${before} → ${after}`
      )
    ),
    h('span', { class: 'iw-parts' }, 'probability a token, before → after')
  ];
}

function drawLegend(): HTMLElement {
  return h(
    'div',
    { class: 'iw-legend', 'data-iw': 'legend' },
    h(
      'div',
      { class: 'iw-lines' },
      h('span', {}, h('span', { class: 'iw-out' }, 'only before')),
      h('span', {}, h('span', { class: 'iw-in' }, 'only after'))
    ),
    h('div', {}, 'greedy continuations; what both have in common is not marked')
  );
}

export function drawCard(
  payload: EditPayload,
  live: Live | null,
  folds: Folds,
  events: CardEvents
): Card<EditPayload> {
  const titleId = uniqueId('title');
  folds.sample = Math.min(folds.sample, Math.max(0, payload.samples.length - 1));
  const sample = payload.samples[folds.sample];
  let selected: ReadonlySet<number> = new Set();
  let looked: number | null = null;
  let check: Check | null = null;

  const hands = drawHands(payload, live, folds, events);
  const readout = h('div', { class: 'iw-readout', 'aria-live': 'polite', 'data-iw': 'readout' });
  const show = (): void => {
    const pinned = selected.size === 1 ? ([...selected][0] ?? null) : null;
    const index = looked ?? pinned;
    const box = index === null ? undefined : payload.boxes[index];
    const side = sample?.texts.find(one => index !== null && index >= one.start && index < one.end);
    readout.replaceChildren();
    append(
      readout,
      check !== null
        ? checkParts(check)
        : box !== undefined && side !== undefined
          ? tokenParts(box, side.name)
          : [h('span', { class: 'iw-dim' }, HINT)]
    );
  };
  const texts =
    sample === undefined
      ? null
      : drawTexts(payload, sample, {
          look: index => {
            looked = index ?? texts?.focused() ?? null;
            show();
          },
          choose: (index, how) => events.choose(index, how, texts?.focused() ?? null)
        });
  const total = texts === null ? null : drawTotal('scroll to see all of both texts', texts.element);
  const checks = drawChecks(payload, {
    folded: folds.folded,
    look: next => {
      check = next;
      show();
    }
  });
  show();
  const tabs =
    payload.samples.length > 1
      ? h(
          'div',
          { class: 'iw-tab-part' },
          drawTabs(
            payload.samples.map(({ name, prompt }, at) => ({ key: String(at), name, title: prompt })),
            String(folds.sample),
            'Which prompt',
            tab => {
              folds.sample = Number(tab.key);
              events.redraw();
            }
          )
        )
      : null;
  const awake = live !== null && live.options.live;
  const exports = awake ? live.options.exports : [];
  const foot = drawFoot(payload, {
    keys: KEYS,
    savings: [
      ...savings(payload, folds.sample),
      ...exports.map(({ key, label }) => ({
        label: `${label} (in the kernel’s folder)`,
        hook: `export-${key}`,
        run: () => events.explain({ export: key })
      }))
    ],
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
    ? [drawTable(payload)]
    : [
        tabs,
        texts === null ? null : h('div', { class: 'iw-picture' }, texts.element, total?.element),
        h('div', { class: 'iw-reading' }, readout, drawLegend()),
        sample === undefined ? null : drawNext(sample),
        checks.element,
        drawSizes(payload),
        payload.whole === null ? null : drawWhole(payload.whole)
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
      hands.history,
      foot.help,
      foot.bar,
      foot.footer
    ].filter(part => part !== null),
    close: () => foot.closeMenu() || foot.closeHelp() || hands.close(),
    toggleHelp: foot.toggleHelp,
    select: boxes => {
      selected = boxes;
      texts?.select(boxes);
      show();
    },
    status: status => {
      hands.busy(status.state === 'running');
      foot.status(status);
    },
    dispose: () => {
      foot.dispose();
      total?.dispose();
    }
  };
}
