/** Puts the parts of a neuron's card together. */

import { h, uniqueId } from '../dom';
import { field, numberField, textField } from '../fields';
import { drawFoot } from '../foot';
import { drawTitle, drawVerdict } from '../title';
import { drawTotal } from '../total';
import { KEYS } from './help';
import { drawHistogram } from './histogram';
import { briefPayload } from './payload';
import { drawLegend, drawReadout } from './readout';
import { savings } from './save';
import { drawTable } from './table';
import { drawTexts } from './texts';
import { drawWeights } from './weights';
import type { Card, CardEvents } from '../view';
import type { Live } from './live';
import type { NeuronPayload } from './payload';

/** What is folded out, and where a person is; it outlives a picture. */
export interface Folds {
  table: boolean;
  why: boolean;
  /** The neuron that a saved picture of a layer shows; null is its own. */
  neuron: number | null;
}

/** The neuron, where the result holds a whole layer. */
function drawChoice(payload: NeuronPayload, choose: (neuron: number) => void): HTMLElement | null {
  const { layer, settings } = payload;
  if (layer === null) {
    return null;
  }
  const { first, last } = layer;
  const label = h('span', { class: 'iw-dim', 'aria-hidden': 'true' }, 'neuron');
  const input = numberField(
    `Neuron, ${first} to ${last}`,
    'neuron-number',
    settings.neuron,
    { min: first, max: last },
    choose
  );
  return h('div', { class: 'iw-controls' }, label, input);
}

/** A text of a person's own; without a model a line says why there is none. */
function drawTry(live: Live, events: CardEvents): HTMLElement {
  return h(
    'div',
    { class: 'iw-try' },
    live.options.live
      ? field(
          'Try a text of your own',
          textField('Text of your own', '', 'own-text', 'type, then Enter', text => events.explain({ text }))
        )
      : h(
          'p',
          { class: 'iw-total', 'data-iw': 'gone' },
          'The model is no longer in memory: other neurons show their peaks only, and no text can be tried.'
        )
  );
}

export function drawCard(
  own: NeuronPayload,
  live: Live | null,
  folds: Folds,
  events: CardEvents
): Card<NeuronPayload> {
  const payload = live === null && folds.neuron !== null ? briefPayload(own, folds.neuron) : own;
  const titleId = uniqueId('title');
  const readout = drawReadout(payload);
  const texts = drawTexts(payload, {
    look: place => {
      if (place !== null) {
        readout.token(place);
      }
    },
    choose: events.choose
  });
  const bars =
    payload.histogram === null
      ? null
      : drawHistogram(payload.histogram, bar => {
          if (bar !== null) {
            readout.bar(bar);
          }
        });
  readout.nothing();
  const total = drawTotal(`${payload.boxes.length} texts, scroll to see all`, texts.element);
  const choice = drawChoice(payload, neuron => {
    if (live !== null) {
      events.explain({ neuron });
    } else {
      folds.neuron = neuron;
      events.redraw();
    }
  });
  const foot = drawFoot(payload, {
    keys: KEYS,
    savings: savings(payload),
    table: folds.table,
    plain: 'text',
    onTable: () => {
      folds.table = !folds.table;
      events.redraw();
    },
    onCancel: events.cancel,
    fix: live !== null && live.options.live ? events.explain : null
  });
  const figures = h(
    'div',
    { class: 'iw-figures', 'data-iw': 'figures' },
    ...payload.figures.map(figure => h('span', {}, `${figure.name} `, h('b', {}, figure.label)))
  );
  const rest = payload.rest ?? payload.layer?.rest ?? null;
  const picture = folds.table
    ? [drawTable(payload)]
    : [
        h('div', { class: 'iw-picture' }, texts.element, total.element),
        h('div', { class: 'iw-reading' }, readout.element, drawLegend(payload)),
        ...(bars === null ? [] : [bars.element])
      ];
  return {
    titleId,
    parts: [
      h('header', { class: 'iw-head' }, drawTitle(payload, titleId), choice),
      ...(payload.verdict === null
        ? []
        : [
            drawVerdict(payload.verdict, folds.why, open => {
              folds.why = open;
            })
          ]),
      h('p', { class: 'iw-lead', 'data-iw': 'finding' }, payload.finding),
      foot.problem,
      ...(live === null ? [] : [drawTry(live, events)]),
      ...picture,
      ...(rest === null ? [] : [h('p', { class: 'iw-total', 'data-iw': 'rest' }, rest)]),
      ...(payload.figures.length === 0 ? [] : [figures]),
      ...(folds.table || payload.promoted.length === 0 ? [] : [drawWeights(payload)]),
      foot.help,
      foot.bar,
      foot.footer
    ],
    close: () => foot.closeMenu() || foot.closeHelp(),
    toggleHelp: foot.toggleHelp,
    select: texts.select,
    status: foot.status,
    dispose: () => {
      foot.dispose();
      total.dispose();
    }
  };
}
