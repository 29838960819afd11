import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { describe, expect, it, vi } from 'vitest';
import highlight from '../widgets/highlight';
import { MIME_TYPE } from '../views/highlight';
import { CardRenderer, WIDGET_VIEW } from '../plugins/renderer';
import { fixtures, FakeModel, OPTIONS } from './fakes';
import type { LiveHost } from '../plugins/renderer';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

const ID = '0123456789abcdef0123456789abcdef';
const STILL = { 'text/html': '<table></table>', 'text/plain': 'trust: ...' };

/** A widget manager's renderer with the real widget in it. */
class Delegate extends Widget implements IRenderMime.IRenderer {
  constructor(private _model: FakeModel) {
    super();
  }
  async renderModel(): Promise<void> {
    const el = document.createElement('div');
    this.node.append(el);
    highlight.render({ model: this._model, el });
  }
}

async function setUp(shown: object) {
  const model = new FakeModel({
    payload: shown,
    still: STILL,
    options: OPTIONS,
    status: { state: 'idle' },
    selection: []
  });
  const changed = new Signal<LiveHost, void>({} as LiveHost);
  const host: LiveHost = { changed, isLive: id => id === ID, createDelegate: () => new Delegate(model) };
  const setData = vi.fn();
  const bundle: IRenderMime.IMimeModel = {
    trusted: true,
    data: {
      [MIME_TYPE]: { ...fixtures.capital(), model_id: ID } as never,
      [WIDGET_VIEW]: { version_major: 2, version_minor: 0, model_id: ID }
    },
    metadata: { kept: true },
    setData
  };
  const renderer = new CardRenderer({} as IRenderMime.IRendererOptions, host);
  Widget.attach(renderer, document.body);
  await renderer.renderModel(bundle);
  return { model, setData, bundle, renderer };
}

describe('what the notebook keeps', () => {
  it('is left alone while the widget shows what is saved', async () => {
    const { setData } = await setUp(fixtures.capital());
    expect(setData).not.toHaveBeenCalled();
  });

  it('follows the widget to another picture, with all forms and the same widget', async () => {
    const { model, setData, bundle } = await setUp(fixtures.capital());
    model.set('payload', fixtures.doNotTrust());
    expect(setData).toHaveBeenCalledTimes(1);
    expect(setData).toHaveBeenCalledWith({
      data: { ...bundle.data, ...STILL, [MIME_TYPE]: { ...fixtures.doNotTrust(), model_id: ID } }
    });
  });

  it('catches up with what was clicked while nobody looked', async () => {
    const { setData } = await setUp(fixtures.chat());
    expect(setData).toHaveBeenCalledTimes(1);
  });

  it('is not emptied by a widget that is closed', async () => {
    const { model, setData } = await setUp(fixtures.capital());
    model.set('payload', {});
    expect(setData).not.toHaveBeenCalled();
  });
});
