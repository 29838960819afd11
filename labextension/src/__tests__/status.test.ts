import { describe, expect, it, vi } from 'vitest';
import { KernelStatus, readModels, STATUS_TARGET } from '../plugins/kernelStatus';
import { StatusItem, StatusList, statusText } from '../plugins/statusItem';
import { FakeComm, FakeKernel, FakeSession, settle } from './session';
import type { Session } from '../plugins/kernelStatus';
import type { TranslationBundle } from '@jupyterlab/translation';

const trans = {
  __: (text: string, ...args: unknown[]) =>
    args.reduce<string>((words, arg, at) => words.replace(`%${at + 1}`, String(arg)), text),
  _n: (text: string) => text
} as unknown as TranslationBundle;

const data = {
  models: [
    {
      name: 'smollm2',
      device: 'cpu',
      dtype: 'float32',
      interventions: [
        { name: 'quieter', kind: 'added_vector', enabled: true },
        { name: '<b>seat</b>', kind: 'low_rank', enabled: true },
        { name: 'head 3', kind: 'ablation', enabled: false }
      ]
    }
  ]
};

function setUp(kernel: FakeKernel | null) {
  const session = new FakeSession(kernel);
  const status = new KernelStatus(session as unknown as Session);
  const changes = vi.fn();
  status.changed.connect(changes);
  return { session, status, changes };
}

describe('what a kernel says', () => {
  it('is heard when it opens its comm, and with every change', async () => {
    const kernel = new FakeKernel();
    const { status, changes } = setUp(kernel);
    await settle();
    const comm = new FakeComm('c');
    kernel.targets.get(STATUS_TARGET)?.(comm, { content: { data } });
    expect(status.models).toEqual(data.models);
    comm.receive({ models: [{ ...data.models[0], interventions: [] }] });
    expect(status.models[0]?.interventions).toEqual([]);
    expect(changes).toHaveBeenCalledTimes(2);
    comm.onClose();
    expect(status.models).toEqual([]);
  });

  it('is asked for after a page reload', async () => {
    const kernel = new FakeKernel();
    kernel.comms = { c: {} };
    const { status } = setUp(kernel);
    await settle();
    const comm = kernel.made.get('c');
    expect(comm?.sent).toEqual([{ kind: 'hello' }]);
    comm?.receive(data);
    expect(status.models).toHaveLength(1);
  });

  it('is gone after a restart, and the next kernel is heard', async () => {
    const kernel = new FakeKernel();
    const { status, session } = setUp(kernel);
    await settle();
    kernel.targets.get(STATUS_TARGET)?.(new FakeComm('c'), { content: { data } });
    session.statusChanged.emit('restarting');
    expect(status.models).toEqual([]);
    kernel.targets.clear();
    session.connectionStatusChanged.emit('connected');
    expect(kernel.targets.has(STATUS_TARGET)).toBe(true);
    const next = new FakeKernel();
    session.change(next);
    expect(kernel.targets.has(STATUS_TARGET)).toBe(false);
    expect(next.targets.has(STATUS_TARGET)).toBe(true);
    status.dispose();
    expect(next.targets.has(STATUS_TARGET)).toBe(false);
  });

  it('is read with care', () => {
    expect(readModels(null)).toEqual([]);
    expect(readModels({ models: [3, { name: 4, interventions: 'x' }] })).toEqual([
      { name: '', device: '', dtype: '', interventions: [] }
    ]);
  });
});

describe('the status-bar item', () => {
  const models = readModels(data);

  it('names model, device and active interventions', () => {
    expect(statusText([], trans)).toBe('');
    expect(statusText(models, trans)).toBe('smollm2 · cpu · 2 active');
    expect(statusText([{ ...models[0]!, interventions: [] }], trans)).toBe('smollm2 · cpu · none active');
    expect(statusText([...models, ...models], trans)).toBe('2 models · 4 active');
  });

  it('hides without a model, and a click opens the list', () => {
    const click = vi.fn();
    const item = new StatusItem(trans, click);
    expect(item.isHidden).toBe(true);
    item.display(models);
    expect(item.isHidden).toBe(false);
    item.node.querySelector('button')?.click();
    expect(click).toHaveBeenCalledTimes(1);
  });

  it('lists interventions with their state in words', () => {
    const list = new StatusList(models, trans);
    const rows = [...list.node.querySelectorAll('[data-iw="intervention"]')].map(row => row.textContent);
    expect(rows).toEqual(['● onquieteradded vector', '● on<b>seat</b>low rank', '○ offhead 3ablation']);
    expect(list.node.querySelector('b')).toBeNull();
  });
});
