/** Questions to the kernel and their answers: `{id, kind, args}` out, `{id, result}` or `{id, error}` back. */

import { isRecord } from '../views/payload';
import type { WidgetModel } from './model';

/** The kernel's own description of what went wrong. */
export class RequestError extends Error {
  constructor(readonly detail: unknown) {
    super(
      isRecord(detail) && typeof detail.title === 'string' ? detail.title : 'The kernel could not answer.'
    );
    this.name = 'RequestError';
  }
}

interface Waiting {
  resolve(result: unknown): void;
  reject(reason: Error): void;
}

/** An id that no other view of the same model uses, also on pages without secure context. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

export class RequestChannel {
  private _waiting = new Map<string, Waiting>();
  private readonly _onMessage = (content: unknown): void => this._receive(content);

  constructor(private readonly _model: WidgetModel) {
    _model.on('msg:custom', this._onMessage);
  }

  /** Asks; a kernel that never answers leaves the promise open until the view is removed. */
  ask(kind: string, args: object = {}): Promise<unknown> {
    const id = newId();
    return new Promise((resolve, reject) => {
      this._waiting.set(id, { resolve, reject });
      try {
        this._model.send({ id, kind, args });
      } catch (reason) {
        this._waiting.delete(id);
        reject(reason instanceof Error ? reason : new Error(String(reason)));
      }
    });
  }

  dispose(): void {
    this._model.off('msg:custom', this._onMessage);
    const gone = new DOMException('The view was removed.', 'AbortError');
    this._waiting.forEach(waiting => waiting.reject(gone));
    this._waiting.clear();
  }

  private _receive(content: unknown): void {
    if (!isRecord(content) || typeof content.id !== 'string') {
      return;
    }
    // Answers to another view of the same model arrive here too.
    const waiting = this._waiting.get(content.id);
    if (waiting === undefined) {
      return;
    }
    this._waiting.delete(content.id);
    if (content.error !== undefined) {
      waiting.reject(new RequestError(content.error));
    } else {
      waiting.resolve(content.result);
    }
  }
}
