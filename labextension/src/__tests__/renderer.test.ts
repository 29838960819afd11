import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { describe, expect, it } from 'vitest';
import { MIME_TYPE } from '../views/highlight';
import { CardRenderer, WIDGET_VIEW } from '../plugins/renderer';
import { fixtures } from './fakes';
import type { LiveHost } from '../plugins/renderer';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

const ID = '0123456789abcdef0123456789abcdef';

class FakeDelegate extends Widget implements IRenderMime.IRenderer {
  model: IRenderMime.IMimeModel | null = null;
  constructor(private _fails = false) {
    super();
  }
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.model = model;
    this.node.textContent = 'Loading widget...';
    if (this._fails) {
      throw new Error('no');
    }
  }
  draw(): void {
    const view = document.createElement('section');
    view.dataset.iw = 'highlight';
    this.node.replaceChildren(view);
  }
}

class FakeHost implements LiveHost {
  readonly changed: Signal<LiveHost, void> = new Signal<LiveHost, void>(this);
  live = new Set<string>();
  made: FakeDelegate[] = [];
  fails = false;
  isLive(id: string): boolean {
    return this.live.has(id);
  }
  createDelegate(): IRenderMime.IRenderer {
    const delegate = new FakeDelegate(this.fails);
    this.made.push(delegate);
    return delegate;
  }
}

function bundle(trusted: boolean, id: string | null = ID): IRenderMime.IMimeModel {
  const data: Record<string, unknown> = { [MIME_TYPE]: fixtures.capital() };
  if (id !== null) {
    data[WIDGET_VIEW] = { version_major: 2, version_minor: 0, model_id: id };
  }
  return { trusted, data: data as IRenderMime.IMimeModel['data'], metadata: {}, setData: () => undefined };
}

const settle = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0));

function make(host: LiveHost | null) {
  const renderer = new CardRenderer({} as IRenderMime.IRendererOptions, host);
  Widget.attach(renderer, document.body);
  const saved = () => renderer.node.querySelector<HTMLElement>('[data-iw="highlight"][data-state="static"]');
  const savedShown = () => saved()?.parentElement?.classList.contains('lm-mod-hidden') === false;
  return { renderer, saved, savedShown };
}

describe('the renderer', () => {
  it('draws the saved picture without a host', async () => {
    const { renderer, saved } = make(null);
    await renderer.renderModel(bundle(true));
    expect(saved()?.textContent).toContain('·Australia');
  });

  it.each([
    ['untrusted', bundle(false), true],
    ['without a widget', bundle(true, null), true],
    ['of a model that is gone', bundle(true), false]
  ])('keeps the saved picture %s', async (_, model, live) => {
    const host = new FakeHost();
    if (live) {
      host.live.add(ID);
    }
    const { renderer, savedShown } = make(host);
    await renderer.renderModel(model);
    expect(host.made).toHaveLength(0);
    expect(savedShown()).toBe(true);
  });

  it('hands over once the live widget has drawn itself, not before', async () => {
    const host = new FakeHost();
    host.live.add(ID);
    const { renderer, savedShown } = make(host);
    await renderer.renderModel(bundle(true));
    await settle();
    const [delegate] = host.made;
    expect(savedShown()).toBe(true);
    expect(delegate?.isHidden).toBe(true);
    expect(delegate?.model?.data[WIDGET_VIEW]).toMatchObject({ model_id: ID });
    delegate?.draw();
    await settle();
    expect(savedShown()).toBe(false);
    expect(delegate?.isHidden).toBe(false);
  });

  it('goes back to the saved picture when the kernel goes, and forth when it returns', async () => {
    const host = new FakeHost();
    host.live.add(ID);
    const { renderer, savedShown } = make(host);
    await renderer.renderModel(bundle(true));
    host.made[0]!.draw();
    await settle();
    host.live.clear();
    host.changed.emit();
    expect(savedShown()).toBe(true);
    expect(host.made[0]!.isDisposed).toBe(true);
    host.live.add(ID);
    host.changed.emit();
    host.changed.emit();
    expect(host.made).toHaveLength(2);
    host.made[1]!.draw();
    await settle();
    expect(savedShown()).toBe(false);
  });

  it('never shows a widget that could not be drawn', async () => {
    const host = new FakeHost();
    host.fails = true;
    host.live.add(ID);
    const { renderer, savedShown } = make(host);
    await renderer.renderModel(bundle(true));
    await settle();
    expect(host.made[0]!.isDisposed).toBe(true);
    expect(savedShown()).toBe(true);
  });

  it('gives the manager a copy, which it may change', async () => {
    const host = new FakeHost();
    host.live.add(ID);
    const model = bundle(true);
    const { renderer } = make(host);
    await renderer.renderModel(model);
    (host.made[0]!.model!.data[WIDGET_VIEW] as { model_id: string }).model_id = '';
    expect(model.data[WIDGET_VIEW]).toMatchObject({ model_id: ID });
  });

  it('keeps its widget when the same output is drawn again', async () => {
    const host = new FakeHost();
    host.live.add(ID);
    const { renderer, saved } = make(host);
    await renderer.renderModel(bundle(true));
    await renderer.renderModel(bundle(true));
    expect(host.made).toHaveLength(1);
    expect(saved()).not.toBeNull();
    host.made[0]!.draw();
    await settle();
    await renderer.renderModel(bundle(true));
    expect(host.made).toHaveLength(1);
    expect(renderer.node.querySelectorAll('[data-iw="highlight"]')).toHaveLength(1);
    await renderer.renderModel(bundle(false));
    expect(saved()).not.toBeNull();
    expect(host.made[0]!.isDisposed).toBe(true);
  });

  it('receives its host later, and lets go of it when disposed', async () => {
    const host = new FakeHost();
    host.live.add(ID);
    const { renderer } = make(null);
    await renderer.renderModel(bundle(true));
    renderer.host = host;
    expect(host.made).toHaveLength(1);
    renderer.dispose();
    expect(host.made[0]!.isDisposed).toBe(true);
    host.changed.emit();
    expect(host.made).toHaveLength(1);
  });
});
