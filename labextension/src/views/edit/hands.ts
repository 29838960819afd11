/** What a person does with an edit while its model is there: switch, undo, edit again, ask, look at other edits. */

import { h, button, foreign } from '../dom';
import { drawPanel, field, numberField, select, textField } from '../fields';
import { roveColumn } from '../keys';
import type { Controls } from '../fields';
import type { CardEvents } from '../view';
import type { Live, Options } from './live';
import type { EditPayload } from './payload';

/** By which method, and at which layer (null: the method's own), the same facts would be edited again. */
export interface Wish {
  method: string;
  layer: number | null;
}

export interface Held {
  open: boolean;
  wish: Wish | null;
}

export interface Hands {
  head: HTMLElement;
  panel: HTMLElement | null;
  /** How the edit stands, where that is not to be seen. */
  state: HTMLElement | null;
  history: HTMLElement | null;
  /** No new work while some is under way. */
  busy(working: boolean): void;
  close(): boolean;
}

const STATES: Record<Options['state'], string> = {
  on: '',
  off: 'Off: the model answers as without the edit. What is shown is what it changes when it is on.',
  undone: 'Undone: the edit is in no ledger, and the model answers as without it.',
  gone: 'The edit is no longer in memory. Make it again with iw.edit, or load its file.'
};

function drawSwitch(state: Options['state'], ask: (args: Record<string, unknown>) => void): HTMLElement[] {
  const control = (hook: string, label: string, title: string, args: Record<string, unknown>) =>
    button({ class: 'iw-control iw-ask', 'data-iw': hook, title }, label, () => ask(args));
  if (state === 'undone') {
    return [control('apply', 'Apply again', 'Put the edit into the ledger again', { apply: true })];
  }
  if (state === 'gone') {
    return [];
  }
  const on = state === 'on';
  const toggle = control('toggle', on ? 'On' : 'Off', on ? 'Switch the edit off' : 'Switch the edit on', {
    toggle: { on: !on }
  });
  toggle.classList.add('iw-switch');
  toggle.setAttribute('aria-pressed', String(on));
  toggle.setAttribute('aria-label', 'The edit acts');
  return [toggle, control('undo', 'Undo', 'Take the edit out of the ledger', { undo: true })];
}

function drawState(options: Options, edit: string, ask: (args: Record<string, unknown>) => void) {
  const words = [STATES[options.state], options.note].filter(text => text !== '');
  if (words.length === 0) {
    return null;
  }
  return h(
    'p',
    { class: 'iw-state', role: 'status', 'data-iw': 'state', 'data-state': options.state },
    h('span', {}, words.join(' ')),
    options.note === '' || options.state === 'gone' ? null : ' ',
    options.note === '' || options.state === 'gone'
      ? null
      : button({ class: 'iw-link', 'data-iw': 'compare' }, 'Compare again', () => ask({ show: edit }))
  );
}

/** The ledger's edits, where there are others than the one that is shown. */
function drawHistory(options: Options, ask: (args: Record<string, unknown>) => void): HTMLElement | null {
  if (options.history.every(one => one.shown)) {
    return null;
  }
  const shows: HTMLElement[] = [];
  const rows = options.history.map(one => {
    const show = button(
      {
        class: 'iw-edit-past-name',
        'aria-current': one.shown ? 'true' : null,
        'data-iw': 'past',
        'data-name': one.name
      },
      null,
      () => {
        if (!one.shown) {
          ask({ show: one.name });
        }
      }
    );
    show.append(foreign(one.name), h('span', { class: 'iw-dim' }, one.shown ? ' shown here' : ''));
    shows.push(show);
    const toggle = button(
      {
        class: 'iw-control iw-ask iw-switch',
        'aria-pressed': String(one.on),
        'aria-label': `${one.name} acts`,
        'data-iw': 'past-toggle'
      },
      one.on ? 'On' : 'Off',
      () => ask({ toggle: { name: one.name, on: !one.on } })
    );
    return h(
      'div',
      { class: 'iw-edit-past', role: 'listitem' },
      show,
      h(
        'span',
        { class: 'iw-dim' },
        options.methods.find(({ name }) => name === one.method)?.label ?? one.method
      ),
      toggle
    );
  });
  roveColumn(
    shows,
    Math.max(
      0,
      options.history.findIndex(one => one.shown)
    )
  );
  return h(
    'div',
    { class: 'iw-history', 'data-iw': 'history' },
    h('div', { class: 'iw-heading' }, 'Edits in the ledger · choose one to see what it changes'),
    h('div', { role: 'list', 'aria-label': 'Edits in the ledger' }, ...rows)
  );
}

function drawAgain(options: Options, wish: Wish, ask: (args: Record<string, unknown>) => void): HTMLElement {
  const layer = numberField(
    'Layer, empty for the method’s own',
    'again-layer',
    wish.layer,
    { min: 0, max: Math.max(0, options.layers - 1) },
    value => {
      wish.layer = value;
    }
  );
  return h(
    'div',
    { class: 'iw-again' },
    field(
      'Edit the same again by',
      select(
        options.methods.map(({ name, label }) => ({ value: name, label })),
        wish.method,
        'Method',
        'again-method',
        value => {
          wish.method = value;
        }
      )
    ),
    field('Layer', layer),
    button({ class: 'iw-control iw-ask', 'data-iw': 'again' }, 'Edit again', () =>
      ask({ again: { ...wish } })
    )
  );
}

export function drawHands(
  payload: EditPayload,
  live: Live | null,
  held: Held,
  events: Pick<CardEvents, 'explain'>
): Hands {
  const head = h('div', { class: 'iw-controls' });
  head.append(h('span', { class: 'iw-method', 'data-iw': 'method' }, payload.method));
  if (live === null) {
    return { head, panel: null, state: null, history: null, busy: () => undefined, close: () => false };
  }
  const { options } = live;
  const ask = (args: Record<string, unknown>): void => events.explain(args);
  let controls: Controls;
  let history: HTMLElement | null = null;
  let state: HTMLElement | null = null;
  if (options.live) {
    head.append(...drawSwitch(options.state, ask));
    const there = options.state !== 'gone';
    const first = options.methods[0]?.name ?? '';
    const now = options.history.find(one => one.shown)?.method;
    const wish = (held.wish ??= { method: now ?? first, layer: null });
    controls = drawPanel(
      head,
      there
        ? [
            drawAgain(options, wish, ask),
            field(
              'Another prompt',
              textField('Another prompt to continue', '', 'prompt', 'what to ask both models', text =>
                ask({ prompt: text })
              )
            )
          ]
        : [],
      false,
      held.open && there,
      open => {
        held.open = open;
      }
    );
    history = drawHistory(options, ask);
    state = drawState(options, payload.edit, ask);
  } else {
    controls = drawPanel(head, [], true, false, () => undefined);
  }
  return {
    head,
    panel: controls.panel,
    state,
    history,
    busy: working => {
      for (const place of [head, controls.panel, history, state]) {
        place?.querySelectorAll<HTMLButtonElement>('.iw-ask, .iw-edit-past-name').forEach(one => {
          one.disabled = working;
        });
      }
    },
    close: () => controls.close()
  };
}
