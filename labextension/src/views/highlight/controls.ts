/** What may be chosen: the method in the head of the card, everything else in a panel behind "⋯". */

import { h } from '../dom';
import { drawPanel, field, numberField, questionFields, select, selectOrText } from '../fields';
import type { Controls } from '../fields';
import type { ExplainArgs, Options } from './live';
import type { HighlightPayload } from './payload';

/** A baseline that begins so is a text of one's own. */
const TEXT = 'text:';
/** Stands for the method's own default. */
const DEFAULT = '\u0000default';
const SAMPLES = { min: 1, max: 100_000 };

type Explain = (args: ExplainArgs) => void;

/** Label of the method in use; a method that the kernel does not list keeps its own name. */
function methodLabel(payload: HighlightPayload, options: Options | null): string {
  const name = payload.settings.method;
  return options?.methods.find(method => method.name === name)?.label ?? name.replaceAll('_', ' ');
}

/** The settings that the method takes. */
function methodFields(payload: HighlightPayload, options: Options, explain: Explain): HTMLElement[] {
  const { settings } = payload;
  const takes = options.methods.find(entry => entry.name === settings.method)?.settings ?? [];
  const fields: HTMLElement[] = [];
  if (takes.includes('baseline')) {
    // A text that is in use is listed too; it belongs into the text field.
    const baselines = options.baselines
      .filter(entry => !entry.name.startsWith(TEXT))
      .map(entry => ({ value: entry.name, label: entry.label }));
    fields.push(
      field(
        'Baseline',
        selectOrText(
          'Baseline',
          baselines,
          settings.baseline,
          'baseline',
          'a text of your own',
          TEXT,
          value => explain({ baseline: value })
        )
      )
    );
  }
  if (takes.includes('steps')) {
    fields.push(
      field(
        'Steps',
        numberField('Steps', 'steps', settings.steps, options.steps, steps => explain({ steps }))
      )
    );
  }
  if (takes.includes('quadrature')) {
    const rules = options.quadratures.map(entry => ({ value: entry.name, label: entry.label }));
    fields.push(
      field(
        'Quadrature',
        select(rules, settings.quadrature, 'Quadrature', 'quadrature', value =>
          explain({ quadrature: value })
        )
      )
    );
  }
  if (takes.includes('delete')) {
    const ways = (options.deletions ?? []).map(entry => ({ value: entry.name, label: entry.label }));
    const shown = settings.delete ?? DEFAULT;
    if (shown === DEFAULT) {
      ways.unshift({ value: DEFAULT, label: 'as the method does' });
    }
    fields.push(
      field(
        'Deleting',
        select(ways, shown, 'How tokens are deleted', 'delete', value => explain({ delete: value }))
      )
    );
  }
  if (takes.includes('samples')) {
    fields.push(
      field(
        'Samples',
        numberField('Samples', 'samples', settings.samples ?? null, SAMPLES, samples => explain({ samples }))
      )
    );
  }
  return fields;
}

export function drawControls(
  payload: HighlightPayload,
  options: Options | null,
  explain: Explain | null,
  open: boolean,
  onToggle: (open: boolean) => void
): Controls {
  const { settings } = payload;
  const head = h('div', { class: 'iw-controls' });
  if (options === null || explain === null) {
    head.append(h('span', { class: 'iw-method', 'data-iw': 'method' }, methodLabel(payload, options)));
    return { head, panel: null, close: () => false };
  }
  const methods = options.methods.map(method => ({ value: method.name, label: method.label }));
  if (!methods.some(entry => entry.value === settings.method)) {
    methods.unshift({ value: settings.method, label: methodLabel(payload, options) });
  }
  const method = select(methods, settings.method, 'Method', 'method', value => explain({ method: value }));
  method.disabled = !options.live;
  head.append(method);
  const fields = [...questionFields(payload, explain), ...methodFields(payload, options, explain)];
  return drawPanel(head, fields, !options.live, open, onToggle);
}
