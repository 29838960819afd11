import { afterEach, describe, expect, it, vi } from 'vitest';
import { LiveModels } from '../plugins/liveModels';
import { FakeKernel, FakeSession, settle } from './session';
import type { Renderers, Session } from '../plugins/liveModels';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

const factory = (): IRenderMime.IRendererFactory => ({
  safe: false,
  mimeTypes: [],
  createRenderer: () => ({}) as IRenderMime.IRenderer
});

function setUp(kernel: FakeKernel | null, managed = true) {
  const common = factory();
  const registry = { present: managed ? factory() : common };
  const renderers: Renderers = {
    getFactory: () => registry.present,
    createRenderer: () => ({}) as IRenderMime.IRenderer
  };
  const session = new FakeSession(kernel);
  const models = new LiveModels(session as unknown as Session, renderers, () => common);
  const changes = vi.fn();
  models.changed.connect(changes);
  return { session, models, changes, registry };
}

describe('live models', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are those the kernel lists after a page reload', async () => {
    const kernel = new FakeKernel();
    kernel.comms = { a: {}, b: {} };
    const { models, changes } = setUp(kernel);
    expect(models.isLive('a')).toBe(false);
    await settle();
    expect(models.isLive('a')).toBe(true);
    expect(models.isLive('c')).toBe(false);
    expect(changes).toHaveBeenCalled();
  });

  it('come and go by comm messages, also while the kernel is busy', async () => {
    const kernel = new FakeKernel();
    kernel.comms = { old: {}, closing: {} };
    let reply = (): void => undefined;
    kernel.answer = new Promise(resolve => {
      reply = () => resolve();
    });
    const { models, session } = setUp(kernel);
    await settle();
    session.comm('comm_open', 'new');
    session.comm('comm_open', 'stranger', 'other.target');
    expect(models.isLive('new')).toBe(true);
    expect(models.isLive('stranger')).toBe(false);
    session.comm('comm_close', 'closing');
    reply();
    await settle();
    expect(['old', 'new', 'closing'].map(id => models.isLive(id))).toEqual([true, true, false]);
  });

  it.each(['restarting', 'autorestarting', 'dead', 'terminating'] as const)(
    'are none when it is %s',
    async status => {
      const kernel = new FakeKernel();
      kernel.comms = { a: {} };
      const { models, session, changes } = setUp(kernel);
      await settle();
      changes.mockClear();
      session.statusChanged.emit(status);
      expect(models.isLive('a')).toBe(false);
      expect(changes).toHaveBeenCalledTimes(1);
    }
  );

  it('are asked for again when the connection returns or the kernel is another', async () => {
    const kernel = new FakeKernel();
    const { models, session } = setUp(kernel);
    await settle();
    kernel.comms = { a: {} };
    session.connectionStatusChanged.emit('connected');
    await settle();
    expect(models.isLive('a')).toBe(true);
    const other = new FakeKernel();
    other.comms = { b: {} };
    session.change(other);
    expect(models.isLive('a')).toBe(false);
    await settle();
    expect(models.isLive('b')).toBe(true);
    session.change(null);
    await settle();
    expect(models.isLive('b')).toBe(false);
  });

  it('an answer that comes after the kernel went is not believed', async () => {
    const kernel = new FakeKernel();
    kernel.comms = { a: {} };
    let reply = (): void => undefined;
    kernel.answer = new Promise(resolve => {
      reply = () => resolve();
    });
    const { models, session } = setUp(kernel);
    await settle();
    session.statusChanged.emit('restarting');
    reply();
    await settle();
    expect(models.isLive('a')).toBe(false);
  });

  it('wait for the widget manager to know the kernel', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const kernel = new FakeKernel();
    kernel.comms = { a: {} };
    const { models, registry, changes } = setUp(kernel, false);
    await vi.advanceTimersByTimeAsync(10);
    expect(models.isLive('a')).toBe(false);
    expect(models.createDelegate()).toBeNull();
    registry.present = factory();
    changes.mockClear();
    await vi.advanceTimersByTimeAsync(200);
    expect(changes).toHaveBeenCalledTimes(1);
    expect(models.isLive('a')).toBe(true);
    expect(models.createDelegate()).not.toBeNull();
  });

  it('stop looking when disposed, and give up in the end', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const kernel = new FakeKernel();
    kernel.comms = { a: {} };
    const first = setUp(kernel, false);
    await vi.advanceTimersByTimeAsync(10);
    first.models.dispose();
    first.models.dispose();
    expect(vi.getTimerCount()).toBe(0);
    setUp(kernel, false);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('survive a kernel that cannot be asked', async () => {
    const kernel = new FakeKernel();
    kernel.answer = Promise.reject(new Error('gone'));
    const { models } = setUp(kernel);
    await settle();
    expect(models.isLive('a')).toBe(false);
  });
});
