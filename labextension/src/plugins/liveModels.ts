/**
 * Which widget models live in a notebook's kernel. Asked of the kernel at every (re)connection, and kept current by
 * the comm messages in between; a busy kernel answers questions late but its messages come at once.
 */

import { Signal } from '@lumino/signaling';
import { WIDGET_VIEW } from './renderer';
import type { ISessionContext } from '@jupyterlab/apputils';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { LiveHost } from './renderer';

const WIDGET_TARGET = 'jupyter.widget';

/** Statuses after which no model of before is left. */
const LOST: ReadonlySet<Kernel.Status> = new Set(['restarting', 'autorestarting', 'terminating', 'dead']);

/** Pauses before looking again for the widget manager's renderer, in milliseconds: about a minute in all. */
const LOOKS = [0, 50, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600];

export type Session = Pick<
  ISessionContext,
  'ready' | 'session' | 'kernelChanged' | 'statusChanged' | 'connectionStatusChanged' | 'iopubMessage'
>;

/** What is needed of a notebook's registry of renderers. */
export interface Renderers {
  getFactory(mimeType: string): IRenderMime.IRendererFactory | undefined;
  createRenderer(mimeType: string): IRenderMime.IRenderer;
}

export class LiveModels implements LiveHost {
  readonly changed = new Signal<this, void>(this);
  private _live = new Set<string>();
  /** Comms that opened (true) or closed (false) while the kernel's answer was awaited. */
  private _news = new Map<string, boolean>();
  private _question = 0;
  private _look: ReturnType<typeof setTimeout> | null = null;
  private _disposed = false;

  /**
   * `common` gives the application-wide factory. The widget manager replaces it in a notebook's registry once it
   * knows the kernel; a renderer made before that would wait forever for its manager.
   */
  constructor(
    private readonly _session: Session,
    private readonly _renderers: Renderers,
    private readonly _common: () => IRenderMime.IRendererFactory | undefined
  ) {
    _session.kernelChanged.connect(this._onKernel, this);
    _session.statusChanged.connect(this._onStatus, this);
    _session.connectionStatusChanged.connect(this._onConnection, this);
    _session.iopubMessage.connect(this._onMessage, this);
    void _session.ready.then(() => this._refresh()).catch(() => undefined);
  }

  isLive(modelId: string): boolean {
    return this._live.has(modelId) && this._hasManager();
  }

  createDelegate(): IRenderMime.IRenderer | null {
    return this._hasManager() ? this._renderers.createRenderer(WIDGET_VIEW) : null;
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    this._session.kernelChanged.disconnect(this._onKernel, this);
    this._session.statusChanged.disconnect(this._onStatus, this);
    this._session.connectionStatusChanged.disconnect(this._onConnection, this);
    this._session.iopubMessage.disconnect(this._onMessage, this);
    this._stopLooking();
    Signal.clearData(this);
  }

  private _hasManager(): boolean {
    const factory = this._renderers.getFactory(WIDGET_VIEW);
    return factory !== undefined && factory !== this._common();
  }

  private _onKernel(): void {
    this._forget();
    void this._refresh();
  }

  private _onStatus(_: unknown, status: Kernel.Status): void {
    if (LOST.has(status)) {
      this._forget();
    }
  }

  private _onConnection(_: unknown, status: Kernel.ConnectionStatus): void {
    if (status === 'connected') {
      void this._refresh();
    }
  }

  private _onMessage(_: unknown, message: KernelMessage.IMessage): void {
    const content = message.content as { comm_id?: unknown; target_name?: unknown };
    if (typeof content.comm_id !== 'string') {
      return;
    }
    if (message.header.msg_type === 'comm_open' && content.target_name === WIDGET_TARGET) {
      this._live.add(content.comm_id);
      this._news.set(content.comm_id, true);
      this._lookForManager();
      this.changed.emit();
    } else if (message.header.msg_type === 'comm_close') {
      this._news.set(content.comm_id, false);
      if (this._live.delete(content.comm_id)) {
        this.changed.emit();
      }
    }
  }

  private _forget(): void {
    this._question += 1;
    this._news.clear();
    this._live.clear();
    this.changed.emit();
  }

  private async _refresh(): Promise<void> {
    const kernel = this._session.session?.kernel;
    if (this._disposed || kernel === null || kernel === undefined) {
      return;
    }
    this._question += 1;
    const question = this._question;
    this._news.clear();
    let comms: string[];
    try {
      const reply = await kernel.requestCommInfo({ target_name: WIDGET_TARGET });
      comms = reply.content.status === 'ok' ? Object.keys(reply.content.comms) : [];
    } catch {
      // The kernel went away while it was asked; its successor is asked when it connects.
      return;
    }
    if (this._disposed || question !== this._question) {
      return;
    }
    this._live = new Set(comms);
    this._news.forEach((open, id) => (open ? this._live.add(id) : this._live.delete(id)));
    this._lookForManager();
    this.changed.emit();
  }

  /** The registry has no signal for a replaced factory, so it is looked at a few times, ever less often. */
  private _lookForManager(at = 0): void {
    if (this._live.size === 0 || this._hasManager() || (at === 0 && this._look !== null)) {
      return;
    }
    const wait = LOOKS[at];
    if (wait === undefined || this._disposed) {
      this._look = null;
      return;
    }
    this._look = setTimeout(() => {
      this._look = null;
      if (this._hasManager()) {
        this.changed.emit();
      } else {
        this._lookForManager(at + 1);
      }
    }, wait);
  }

  private _stopLooking(): void {
    if (this._look !== null) {
      clearTimeout(this._look);
      this._look = null;
    }
  }
}
