/** A stand-in for a notebook's session: one kernel, and the signals that matter. */

import { Signal } from '@lumino/signaling';
import type { Kernel } from '@jupyterlab/services';

export class FakeComm {
  onMsg: (message: unknown) => void = () => undefined;
  onClose: () => void = () => undefined;
  sent: unknown[] = [];
  constructor(readonly commId: string) {}
  send(data: unknown): void {
    this.sent.push(data);
  }
  receive(data: unknown): void {
    this.onMsg({ content: { data } });
  }
}

export class FakeKernel {
  isDisposed = false;
  comms: Record<string, object> = {};
  targets = new Map<string, (comm: unknown, message: unknown) => void>();
  made = new Map<string, FakeComm>();
  asked = 0;
  answer: Promise<void> = Promise.resolve();

  async requestCommInfo(): Promise<unknown> {
    this.asked += 1;
    const comms = { ...this.comms };
    await this.answer;
    return { content: { status: 'ok', comms } };
  }
  registerCommTarget(name: string, callback: (comm: unknown, message: unknown) => void): void {
    this.targets.set(name, callback);
  }
  removeCommTarget(name: string): void {
    this.targets.delete(name);
  }
  hasComm(id: string): boolean {
    return this.made.has(id);
  }
  createComm(_target: string, id: string): FakeComm {
    const comm = new FakeComm(id);
    this.made.set(id, comm);
    return comm;
  }
}

export class FakeSession {
  ready = Promise.resolve();
  session: { kernel: FakeKernel | null } | null;
  kernelChanged = new Signal<this, unknown>(this);
  statusChanged = new Signal<this, Kernel.Status>(this);
  connectionStatusChanged = new Signal<this, Kernel.ConnectionStatus>(this);
  iopubMessage = new Signal<this, unknown>(this);

  constructor(readonly kernel: FakeKernel | null) {
    this.session = { kernel };
  }
  comm(type: 'comm_open' | 'comm_close', id: string, target = 'jupyter.widget'): void {
    this.iopubMessage.emit({ header: { msg_type: type }, content: { comm_id: id, target_name: target } });
  }
  change(kernel: FakeKernel | null): void {
    this.session = { kernel };
    this.kernelChanged.emit({});
  }
}

/** Lets promises that are already resolved run. */
export const settle = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0));
