/** The eraser's switch, while its model is there. */

import { h, button } from '../dom';
import { drawPanel } from '../fields';
import type { CardEvents } from '../view';
import type { Live, Options } from './live';
import type { ErasurePayload } from './payload';

export interface Hands {
  head: HTMLElement;
  /** Says that the model is gone; null where it is not. */
  panel: HTMLElement | null;
  /** How the eraser stands, where that is not to be seen. */
  state: HTMLElement | null;
  busy(working: boolean): void;
}

const STATES: Record<Options['state'], string> = {
  on: '',
  off: 'Off: the model works as without the eraser. What is shown is what it does when it is on.',
  out: 'In no ledger: the model works as without the eraser.',
  gone: 'The eraser is no longer in memory. Fit it again with iw.erase, or load its file.',
  none: ''
};

function drawSwitch(state: Options['state'], ask: CardEvents['explain']): HTMLElement[] {
  const control = (hook: string, label: string, title: string, args: Record<string, unknown>) =>
    button({ class: 'iw-control iw-ask', 'data-iw': hook, title }, label, () => ask(args));
  if (state === 'out') {
    return [control('apply', 'Switch on', 'Put the eraser into the model’s ledger', { apply: true })];
  }
  if (state === 'gone' || state === 'none') {
    return [];
  }
  const on = state === 'on';
  const toggle = control('toggle', on ? 'On' : 'Off', on ? 'Switch the eraser off' : 'Switch the eraser on', {
    toggle: { on: !on }
  });
  toggle.classList.add('iw-switch');
  toggle.setAttribute('aria-pressed', String(on));
  toggle.setAttribute('aria-label', 'The eraser acts');
  return [toggle];
}

export function drawHands(
  payload: ErasurePayload,
  live: Live | null,
  events: Pick<CardEvents, 'explain'>
): Hands {
  const head = h(
    'div',
    { class: 'iw-controls' },
    h('span', { class: 'iw-method', 'data-iw': 'method' }, payload.method)
  );
  if (live === null || live.options.state === 'none') {
    return { head, panel: null, state: null, busy: () => undefined };
  }
  const { options } = live;
  if (!options.live) {
    return {
      head,
      panel: drawPanel(head, [], true, false, () => undefined).panel,
      state: null,
      busy: () => undefined
    };
  }
  head.append(...drawSwitch(options.state, events.explain));
  const words = [STATES[options.state], options.note].filter(text => text !== '').join(' ');
  return {
    head,
    panel: null,
    state:
      words === ''
        ? null
        : h(
            'p',
            { class: 'iw-state', role: 'status', 'data-iw': 'state', 'data-state': options.state },
            words
          ),
    busy: working =>
      head.querySelectorAll<HTMLButtonElement>('.iw-ask').forEach(one => {
        one.disabled = working;
      })
  };
}
