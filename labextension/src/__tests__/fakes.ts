/** Payloads, a stand-in for a widget's model, and short ways to find parts of a view. */

import capital from './fixtures/capital.json';
import chat from './fixtures/chat.json';
import doNotTrust from './fixtures/do-not-trust.json';
import hostile from './fixtures/hostile.json';
import long from './fixtures/long.json';
import { HighlightView } from '../views/highlight';
import type { HighlightPayload, Options, Requests, Status } from '../views/highlight';
import type { Asleep, Live as AnyLive } from '../views/status';
import type { WidgetModel } from '../widgets/model';

const copy = (value: unknown): HighlightPayload => structuredClone(value) as HighlightPayload;

export const fixtures = {
  capital: () => copy(capital),
  chat: () => copy(chat),
  doNotTrust: () => copy(doNotTrust),
  hostile: () => copy(hostile),
  long: () => copy(long)
};

export const OPTIONS: Options = {
  methods: [
    { name: 'leave_one_out', label: 'leave-one-out', settings: [] },
    {
      name: 'integrated_gradients',
      label: 'integrated gradients',
      settings: ['baseline', 'steps', 'quadrature']
    }
  ],
  baselines: [
    { name: 'zero', label: 'zero vector' },
    { name: 'mean', label: 'mean embedding' }
  ],
  quadratures: [
    { name: 'gauss-legendre', label: 'Gauss-Legendre' },
    { name: 'midpoint', label: 'midpoint' }
  ],
  steps: { min: 2, max: 2000 },
  live: true
};

export function running(changes: Partial<Extract<Status, { state: 'running' }>> = {}): Status {
  return {
    state: 'running',
    text: 'deleting tokens',
    done: 0,
    total: 50,
    elapsed: 0,
    remaining: null,
    ...changes
  };
}

/** Puts a view on the page: as a saved picture, or live, with the requests that it makes. */
export function onPage<V extends { element: HTMLElement }, O extends Asleep>(
  View: new (payload: unknown, live?: AnyLive<O> | null) => V,
  options: O
) {
  const put = (view: V): V => {
    document.body.replaceChildren(view.element);
    return view;
  };
  return {
    still: (payload: unknown): V => put(new View(payload)),
    live: (payload: unknown, changes: Partial<AnyLive<O>> = {}) => {
      const asked: [string, unknown][] = [];
      const requests: Requests = {
        explain: args => asked.push(['explain', args]),
        cancel: () => asked.push(['cancel', null]),
        select: tokens => asked.push(['select', tokens])
      };
      const view = put(
        new View(payload, { options, status: { state: 'idle' }, selection: [], requests, ...changes })
      );
      return { view, asked };
    }
  };
}

export const { still: staticView, live: liveView } = onPage(HighlightView, OPTIONS);

/** The one part with this hook; fails when it is not there. */
export function part(view: { element: HTMLElement }, hook: string, more = ''): HTMLElement {
  const found = view.element.querySelector<HTMLElement>(`[data-iw="${hook}"]${more}`);
  if (found === null) {
    throw new Error(`no part ${hook}${more}`);
  }
  return found;
}

export function parts(view: { element: HTMLElement }, hook: string): HTMLElement[] {
  return [...view.element.querySelectorAll<HTMLElement>(`[data-iw="${hook}"]`)];
}

export function press(target: Element, key: string, more: KeyboardEventInit = {}): KeyboardEvent {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more });
  target.dispatchEvent(event);
  return event;
}

export class FakeModel implements WidgetModel {
  sent: { id: string; kind: string; args: unknown }[] = [];
  saved = 0;
  private _values: Map<string, unknown>;
  private _listeners: [string, (...args: unknown[]) => void][] = [];

  constructor(values: Record<string, unknown>) {
    this._values = new Map(Object.entries(values));
  }
  get(name: string): unknown {
    return this._values.get(name);
  }
  set(name: string, value: unknown): void {
    this._values.set(name, value);
    this.emit(`change:${name}`);
  }
  save_changes(): void {
    this.saved += 1;
  }
  on(event: string, callback: (...args: unknown[]) => void): void {
    this._listeners.push([event, callback]);
  }
  off(event: string, callback: (...args: unknown[]) => void): void {
    this._listeners = this._listeners.filter(([name, listener]) => name !== event || listener !== callback);
  }
  send(content: unknown): void {
    this.sent.push(content as { id: string; kind: string; args: unknown });
  }
  emit(event: string, ...args: unknown[]): void {
    this._listeners.filter(([name]) => name === event).forEach(([, listener]) => listener(...args));
  }
  get listening(): number {
    return this._listeners.length;
  }
}
