/** A widget: traits and messages on one side, a pure view on the other. */

import { ASK_PICTURE, announcePicture } from '../views/keeping';
import { isRecord } from '../views/payload';
import { readFailure, readStatus } from '../views/status';
import { RequestChannel, RequestError } from './requests';
import type { Asleep, Live, Status } from '../views/status';
import type { RenderContext, WidgetModel } from './model';

/** A selection that grows by dragging keys is sent once it rests this long, in milliseconds. */
const REST = 100;

function readSelection(model: WidgetModel): number[] {
  const value = model.get('selection');
  return Array.isArray(value) ? value.filter((item): item is number => typeof item === 'number') : [];
}

/** Sends the selection when it rests, and at the latest when the view goes. */
function debounced(run: () => void): { call(): void; flush(): void } {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const flush = (): void => {
    if (timer !== null) {
      clearTimeout(timer);
      timer = null;
      run();
    }
  };
  return {
    call: () => {
      if (timer !== null) {
        clearTimeout(timer);
      }
      timer = setTimeout(flush, REST);
    },
    flush
  };
}

/** What a widget asks of its view. */
export interface LiveView<O> {
  readonly element: HTMLElement;
  setPayload(payload: unknown): void;
  setOptions(options: O): void;
  setStatus(status: Status): void;
  setSelection(tokens: number[]): void;
  dispose(): void;
}

/**
 * Draws a view for a widget's model and keeps both in step until the view goes; returns what ends it. `hear` is told
 * of the kernel's own messages, `begin` may ask for what the page does not have.
 */
export function mount<O extends Asleep>(
  { model, el, signal }: RenderContext,
  readOptions: (value: unknown) => O,
  draw: (payload: unknown, live: Live<O>) => LiveView<O>,
  hear?: (message: unknown, channel: RequestChannel) => void,
  begin?: (channel: RequestChannel) => void
): () => void {
  const channel = new RequestChannel(model);
  const saving = debounced(() => model.save_changes());

  const fail = (reason: unknown): void => {
    if (reason instanceof DOMException && reason.name === 'AbortError') {
      return;
    }
    const detail =
      reason instanceof RequestError
        ? reason.detail
        : { title: 'The kernel could not be reached.', message: String(reason) };
    view.setStatus({ state: 'error', ...readFailure(detail) });
  };

  const view: LiveView<O> = draw(model.get('payload'), {
    options: readOptions(model.get('options')),
    status: readStatus(model.get('status')),
    selection: readSelection(model),
    requests: {
      explain: args => {
        // The clock starts at the click: a busy kernel is waiting too, and Cancel must be within reach.
        const asked: Status = {
          state: 'running',
          text: 'waiting for the kernel',
          done: 0,
          total: 0,
          elapsed: 0,
          remaining: null
        };
        view.setStatus(asked);
        channel.ask('explain', args).then(answer => {
          // Done already, with nothing that a status would tell of.
          if (isRecord(answer) && answer.done === true) {
            view.setStatus(readStatus(model.get('status')));
          }
        }, fail);
      },
      cancel: () => {
        channel.ask('cancel').catch(fail);
      },
      select: tokens => {
        model.set('selection', tokens);
        saving.call();
      }
    }
  });

  const listeners: [string, (content?: unknown) => void][] = [
    ['msg:custom', content => hear?.(content, channel)],
    [
      'change:payload',
      () => {
        view.setPayload(model.get('payload'));
        // An answer so quick that the kernel's status never changed still ends the waiting.
        view.setStatus(readStatus(model.get('status')));
      }
    ],
    ['change:options', () => view.setOptions(readOptions(model.get('options')))],
    ['change:status', () => view.setStatus(readStatus(model.get('status')))],
    ['change:selection', () => view.setSelection(readSelection(model))]
  ];
  listeners.forEach(([event, listener]) => model.on(event, listener));
  el.replaceChildren(view.element);
  // The first message of a kernel opens the channel that stays free while a cell runs.
  channel.ask('hello').catch(() => undefined);
  begin?.(channel);

  // The notebook keeps the picture that is shown, not the one that the cell made: its renderer listens for this.
  const tell = (): void => announcePicture(el, model.get('payload'), model.get('still'));
  model.on('change:payload', tell);
  el.addEventListener(ASK_PICTURE, tell);

  let disposed = false;
  const dispose = (): void => {
    if (disposed) {
      return;
    }
    disposed = true;
    saving.flush();
    listeners.forEach(([event, listener]) => model.off(event, listener));
    model.off('change:payload', tell);
    el.removeEventListener(ASK_PICTURE, tell);
    channel.dispose();
    view.dispose();
  };
  signal?.addEventListener('abort', dispose, { once: true });
  return dispose;
}
