/**
 * Draws one output: the live widget when its model runs in the kernel and the notebook is trusted, else the saved
 * picture. The saved picture stays in sight until the widget has drawn itself, so nothing flashes, and the widget
 * manager's "model not found" is never seen.
 */

import { Panel, Widget } from '@lumino/widgets';
import { JSONExt } from '@lumino/coreutils';
import { askPicture, onPicture } from '../views/keeping';
import { kindOf } from '../views/kinds';
import type { Picture } from '../views/keeping';
import type { PictureKind, StillView } from '../views/kinds';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { ISignal } from '@lumino/signaling';

/** Ahead of the widget manager's renderer, which has -10. */
export const RANK = -20;

export const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';

/** Knows which widgets of a notebook are alive, and can show one. */
export interface LiveHost {
  isLive(modelId: string): boolean;
  /** A renderer of the widget manager, or null when there is none yet. */
  createDelegate(): IRenderMime.IRenderer | null;
  /** Something may have changed: ask again. */
  readonly changed: ISignal<LiveHost, void>;
}

function widgetId(model: IRenderMime.IMimeModel): string | null {
  const view = model.data[WIDGET_VIEW];
  if (typeof view !== 'object' || view === null || Array.isArray(view)) {
    return null;
  }
  const id = (view as Record<string, unknown>).model_id;
  return typeof id === 'string' && id !== '' ? id : null;
}

/** The bundle that the widget manager reads; a copy of its own, because it empties the id of a widget that goes. */
function delegateModel(modelId: string): IRenderMime.IMimeModel {
  return {
    trusted: true,
    data: { [WIDGET_VIEW]: { version_major: 2, version_minor: 0, model_id: modelId } },
    metadata: {},
    setData: () => undefined
  };
}

export class CardRenderer extends Panel implements IRenderMime.IRenderer {
  private _host: LiveHost | null = null;
  private _model: IRenderMime.IMimeModel | null = null;
  private _view: StillView | null = null;
  private readonly _kind: PictureKind;
  private _static = new Widget();
  private _delegate: { id: string; widget: IRenderMime.IRenderer; observer: MutationObserver } | null = null;

  constructor(options: IRenderMime.IRendererOptions, host: LiveHost | null) {
    super();
    this._kind = kindOf(options.mimeType);
    this.addClass('iw-output');
    this.addWidget(this._static);
    onPicture(this.node, picture => this._keep(picture));
    this.host = host;
  }

  /** Outputs drawn before the notebook's host was there receive it later. */
  get host(): LiveHost | null {
    return this._host;
  }
  set host(host: LiveHost | null) {
    if (host === this._host) {
      return;
    }
    this._host?.changed.disconnect(this._decide, this);
    this._host = host;
    host?.changed.connect(this._decide, this);
    this._decide();
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._model = model;
    if (this._static.isHidden) {
      this._decide();
    }
    if (!this._static.isHidden) {
      this._drawStatic();
      this._decide();
    }
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._host?.changed.disconnect(this._decide, this);
    this._host = null;
    this._model = null;
    this._dropDelegate();
    this._view?.dispose();
    super.dispose();
  }

  /** Draws the saved picture; while the live one is shown there is none, so a page never holds both. */
  private _drawStatic(): void {
    const view = this._model === null ? null : this._kind.draw(this._model.data[this._kind.mime]);
    this._view?.dispose();
    this._view = view;
    if (view !== null) {
      this._static.node.append(view.element);
    }
    this._static.show();
  }

  private _decide(): void {
    const id = this._model?.trusted === true ? widgetId(this._model) : null;
    if (id === null || this._host === null || !this._host.isLive(id)) {
      this._dropDelegate();
      return;
    }
    if (this._delegate?.id === id) {
      return;
    }
    this._dropDelegate();
    const widget = this._host.createDelegate();
    if (widget !== null) {
      this._mount(id, widget);
    }
  }

  private _mount(id: string, widget: IRenderMime.IRenderer): void {
    widget.hide();
    this.addWidget(widget);
    const swap = (): void => {
      const drawn = widget.node.querySelector(`[data-iw="${this._kind.name}"]`);
      if (this._delegate?.widget === widget && drawn !== null && !this._static.isHidden) {
        observer.disconnect();
        this._static.hide();
        this._view?.dispose();
        this._view = null;
        widget.show();
        askPicture(drawn); // clicked while this page did not look, or before it was reloaded
      }
    };
    const observer = new MutationObserver(swap);
    observer.observe(widget.node, { childList: true, subtree: true });
    this._delegate = { id, widget, observer };
    widget.renderModel(delegateModel(id)).then(swap, () => {
      if (this._delegate?.widget === widget) {
        this._dropDelegate();
      }
    });
  }

  /** Puts the picture that the widget shows in place of the one that the notebook holds, so that saving keeps it. */
  private _keep({ payload, still }: Picture): void {
    const model = this._model;
    const id = this._delegate?.id;
    if (model === null || id === undefined) {
      return;
    }
    const { mime } = this._kind;
    const shown = { ...payload, model_id: id };
    if (!JSONExt.deepEqual(shown, model.data[mime] ?? null)) {
      model.setData({ data: { ...model.data, ...still, [mime]: shown } });
    }
  }

  private _dropDelegate(): void {
    const delegate = this._delegate;
    if (delegate === null) {
      return;
    }
    this._delegate = null;
    delegate.observer.disconnect();
    if (this._view === null && !this.isDisposed) {
      this._drawStatic();
    }
    delegate.widget.dispose();
  }
}
