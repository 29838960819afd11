/** The line in the status bar, and the list that it opens. */

import { Widget } from '@lumino/widgets';
import { h, foreign } from '../views/dom';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ModelState } from './kernelStatus';

type Translate = Pick<TranslationBundle, '__' | '_n'>;

/** Number of interventions that act. */
export function activeCount(models: readonly ModelState[]): number {
  return models.reduce((sum, model) => sum + model.interventions.filter(item => item.enabled).length, 0);
}

/** "smollm2 · cpu · 2 active"; several models are counted. */
export function statusText(models: readonly ModelState[], trans: Translate): string {
  const [first] = models;
  if (first === undefined) {
    return '';
  }
  const active = activeCount(models);
  const acts = active === 0 ? trans.__('none active') : trans.__('%1 active', active);
  return models.length === 1
    ? [first.name, first.device, acts].join(' · ')
    : [trans.__('%1 models', models.length), acts].join(' · ');
}

export class StatusItem extends Widget {
  private readonly _button: HTMLButtonElement;

  constructor(
    private readonly _trans: Translate,
    onClick: () => void
  ) {
    super();
    this.addClass('iw-status');
    this._button = h('button', {
      type: 'button',
      class: 'iw-status-button',
      'data-iw': 'status',
      'aria-haspopup': 'dialog'
    });
    this._button.addEventListener('click', onClick);
    this.node.append(this._button);
    this.display([]);
  }

  /** After the list was closed by a key: nobody has the focus then. */
  takeBackFocus(): void {
    const { activeElement, body } = document;
    if (activeElement === null || activeElement === body) {
      this._button.focus();
    }
  }

  /** Shows the models of the notebook in front. */
  display(models: readonly ModelState[]): void {
    const words = statusText(models, this._trans);
    this._button.textContent = words;
    this._button.title = this._trans.__('Language models in this kernel, and what acts on them');
    this._button.setAttribute('aria-label', this._trans.__('Language models: %1', words));
    this.setHidden(models.length === 0);
  }
}

function drawModel(model: ModelState, trans: Translate): HTMLElement {
  const rows = model.interventions.map(item =>
    h(
      'li',
      { class: 'iw-status-row', 'data-iw': 'intervention', 'data-enabled': String(item.enabled) },
      h('span', { class: 'iw-status-state' }, item.enabled ? `● ${trans.__('on')}` : `○ ${trans.__('off')}`),
      foreign(item.name, { class: 'iw-status-name' }),
      h('span', { class: 'iw-status-kind' }, item.kind.replaceAll('_', ' '))
    )
  );
  return h(
    'section',
    { class: 'iw-status-model', 'data-iw': 'model' },
    h('div', { class: 'iw-status-head', role: 'heading', 'aria-level': 3 }, foreign(model.name)),
    h(
      'div',
      { class: 'iw-status-kind' },
      [model.device, model.dtype].filter(part => part !== '').join(' · ')
    ),
    rows.length > 0
      ? h('ul', { class: 'iw-status-list', 'aria-label': trans.__('Interventions') }, ...rows)
      : h('div', { class: 'iw-status-kind' }, trans.__('no interventions'))
  );
}

/** The list of models and interventions, as the body of a popup. */
export class StatusList extends Widget {
  constructor(models: readonly ModelState[], trans: Translate) {
    super();
    this.addClass('iw-status-popup');
    this.node.tabIndex = 0;
    this.node.setAttribute('role', 'dialog');
    this.node.setAttribute('aria-label', trans.__('Models and interventions'));
    this.node.append(...models.map(model => drawModel(model, trans)));
  }

  /** With the focus inside, Escape closes it and a screen reader reads it. */
  protected override onAfterAttach(): void {
    this.node.focus();
  }
}
