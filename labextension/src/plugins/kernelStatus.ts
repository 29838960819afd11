/** What a kernel says about its models: read from the comm that Python opens when the first model is loaded. */

import { Signal } from '@lumino/signaling';
import { isRecord } from '../views/payload';
import type { ISessionContext } from '@jupyterlab/apputils';
import type { Kernel, KernelMessage } from '@jupyterlab/services';

export const STATUS_TARGET = 'interp_widgets.status';

export interface InterventionState {
  name: string;
  kind: string;
  enabled: boolean;
}

export interface ModelState {
  name: string;
  device: string;
  dtype: string;
  interventions: InterventionState[];
}

const LOST: ReadonlySet<Kernel.Status> = new Set(['restarting', 'autorestarting', 'terminating', 'dead']);

export type Session = Pick<
  ISessionContext,
  'ready' | 'session' | 'kernelChanged' | 'statusChanged' | 'connectionStatusChanged'
>;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Models in a message; what is not one is left out. */
export function readModels(data: unknown): ModelState[] {
  const models = isRecord(data) && Array.isArray(data.models) ? data.models : [];
  return models.filter(isRecord).map(model => ({
    name: text(model.name),
    device: text(model.device),
    dtype: text(model.dtype),
    interventions: (Array.isArray(model.interventions) ? model.interventions : [])
      .filter(isRecord)
      .map(item => ({
        name: text(item.name),
        kind: text(item.kind),
        enabled: item.enabled === true
      }))
  }));
}

/** Follows one notebook through all its kernels. */
export class KernelStatus {
  readonly changed = new Signal<this, void>(this);
  private _models: ModelState[] = [];
  private _kernel: Kernel.IKernelConnection | null = null;
  private _comm: Kernel.IComm | null = null;
  private _disposed = false;

  constructor(private readonly _session: Session) {
    _session.kernelChanged.connect(this._onKernel, this);
    _session.statusChanged.connect(this._onStatus, this);
    _session.connectionStatusChanged.connect(this._onConnection, this);
    void _session.ready.then(() => this._attach()).catch(() => undefined);
  }

  get models(): readonly ModelState[] {
    return this._models;
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    this._session.kernelChanged.disconnect(this._onKernel, this);
    this._session.statusChanged.disconnect(this._onStatus, this);
    this._session.connectionStatusChanged.disconnect(this._onConnection, this);
    this._detach();
    Signal.clearData(this);
  }

  private readonly _onOpen = (comm: Kernel.IComm, message: KernelMessage.ICommOpenMsg): void => {
    this._adopt(comm);
    this._set(readModels(message.content.data));
  };

  private _onKernel(): void {
    this._detach();
    this._set([]);
    void this._attach();
  }

  private _onStatus(_: unknown, status: Kernel.Status): void {
    if (LOST.has(status)) {
      this._comm = null;
      this._set([]);
    }
  }

  private _onConnection(_: unknown, status: Kernel.ConnectionStatus): void {
    if (status === 'connected') {
      void this._attach();
    }
  }

  private _detach(): void {
    if (this._kernel !== null && !this._kernel.isDisposed) {
      this._kernel.removeCommTarget(STATUS_TARGET, this._onOpen);
    }
    this._kernel = null;
    this._comm = null;
  }

  /** Registers for models that come, and asks for those that are there (after a page reload). */
  private async _attach(): Promise<void> {
    const kernel = this._session.session?.kernel ?? null;
    if (this._disposed || kernel === null) {
      return;
    }
    this._kernel = kernel;
    kernel.registerCommTarget(STATUS_TARGET, this._onOpen);
    try {
      const reply = await kernel.requestCommInfo({ target_name: STATUS_TARGET });
      if (this._disposed || this._kernel !== kernel || this._comm !== null || reply.content.status !== 'ok') {
        return;
      }
      const id = Object.keys(reply.content.comms).at(-1);
      if (id !== undefined && !kernel.hasComm(id)) {
        const comm = kernel.createComm(STATUS_TARGET, id);
        this._adopt(comm);
        comm.send({ kind: 'hello' });
      }
    } catch {
      // The kernel went away while it was asked; its successor is asked when it connects.
    }
  }

  private _adopt(comm: Kernel.IComm): void {
    this._comm = comm;
    comm.onMsg = message => this._set(readModels(message.content.data));
    comm.onClose = () => {
      if (this._comm === comm) {
        this._comm = null;
        this._set([]);
      }
    };
  }

  private _set(models: ModelState[]): void {
    if (!this._disposed && !(models.length === 0 && this._models.length === 0)) {
      this._models = models;
      this.changed.emit();
    }
  }
}
