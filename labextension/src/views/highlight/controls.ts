/** What may be chosen: the method in the head of the card, everything else in a panel behind "⋯". */

import { h, button, uniqueId } from '../dom';
import { take } from '../keys';
import type { ExplainArgs, Options } from './live';
import type { HighlightPayload } from './payload';

const OWN = '\u0000own';
const NONE = '\u0000none';
/** A baseline that begins so is a text of one's own. */
const TEXT = 'text:';

type Explain = (args: ExplainArgs) => void;

interface Entry {
  value: string;
  label: string;
}

function select(
  entries: Entry[],
  value: string,
  name: string,
  hook: string,
  onChange: (value: string) => void
) {
  const element = h('select', { class: 'iw-control', 'aria-label': name, 'data-iw': hook });
  for (const entry of entries) {
    const option = h('option', { value: entry.value }, entry.label);
    option.selected = entry.value === value;
    element.append(option);
  }
  element.addEventListener('change', () => onChange(element.value));
  return element;
}

/** A text field that asks on Enter, or when it is left with another value. */
function textField(
  name: string,
  value: string,
  hook: string,
  placeholder: string,
  onAsk: (value: string) => void
) {
  const element = h('input', {
    class: 'iw-control iw-text',
    type: 'text',
    value,
    placeholder,
    spellcheck: 'false',
    autocomplete: 'off',
    'aria-label': name,
    'data-iw': hook
  });
  let asked = value;
  const ask = (): void => {
    if (element.value !== asked && element.value !== '') {
      asked = element.value;
      onAsk(element.value);
    }
  };
  element.addEventListener('change', ask);
  element.addEventListener('keydown', event => {
    if (event.key === 'Enter') {
      take(event);
      ask();
    }
  });
  return element;
}

/**
 * A select with a last entry "a text of one's own" that opens a text field below. `prefix` tells such a text from the
 * names in the list.
 */
function selectOrText(
  name: string,
  entries: Entry[],
  value: string,
  hook: string,
  own: string,
  prefix: string,
  onAsk: (value: string) => void
): HTMLElement {
  const written = prefix !== '' && value.startsWith(prefix);
  const known = !written && entries.some(entry => entry.value === value);
  const text = written ? value.slice(prefix.length) : known ? '' : value;
  const field = textField(`${name}: ${own}`, text, `${hook}-text`, own, wanted => onAsk(prefix + wanted));
  field.hidden = known;
  const choice = select(
    [...entries, { value: OWN, label: `${own} …` }],
    known ? value : OWN,
    name,
    hook,
    picked => {
      field.hidden = picked !== OWN;
      if (picked === OWN) {
        field.focus();
      } else {
        onAsk(picked);
      }
    }
  );
  return h('div', { class: 'iw-stack' }, choice, field);
}

/** The steps: a whole number within the method's range. */
function stepsField(value: number, range: { min: number; max: number }, explain: Explain): HTMLElement {
  const element = h('input', {
    class: 'iw-control iw-number-field',
    type: 'number',
    min: range.min,
    max: range.max,
    step: 1,
    value,
    'aria-label': 'Steps',
    'data-iw': 'steps'
  });
  let asked = value;
  const ask = (): void => {
    const wanted = Math.round(Number(element.value));
    if (element.value === '' || !Number.isFinite(wanted)) {
      element.value = String(asked);
      return;
    }
    const steps = Math.min(range.max, Math.max(range.min, wanted));
    element.value = String(steps);
    if (steps !== asked) {
      asked = steps;
      explain({ steps });
    }
  };
  element.addEventListener('change', ask);
  element.addEventListener('keydown', event => {
    if (event.key === 'Enter') {
      take(event);
      ask();
    }
  });
  return element;
}

export interface Controls {
  /** Method and "⋯", for the head of the card. */
  head: HTMLElement;
  /** The panel that "⋯" opens; null in a saved picture. */
  panel: HTMLElement | null;
  /** Closes the panel; false if it was closed. */
  close(): boolean;
}

/** Label of the method in use; a method that the kernel does not list keeps its own name. */
function methodLabel(payload: HighlightPayload, options: Options | null): string {
  const name = payload.settings.method;
  return options?.methods.find(method => method.name === name)?.label ?? name.replaceAll('_', ' ');
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
  const off = !options.live;
  const id = uniqueId('settings');

  const methods = options.methods.map(method => ({ value: method.name, label: method.label }));
  if (!methods.some(entry => entry.value === settings.method)) {
    methods.unshift({ value: settings.method, label: methodLabel(payload, options) });
  }
  const method = select(methods, settings.method, 'Method', 'method', value => explain({ method: value }));
  method.disabled = off;
  head.append(method);

  const takes = options.methods.find(entry => entry.name === settings.method)?.settings ?? [];
  const fields: HTMLElement[] = [];
  const field = (label: string, control: HTMLElement): void => {
    fields.push(
      h('div', { class: 'iw-field' }, h('span', { class: 'iw-dim', 'aria-hidden': 'true' }, label), control)
    );
  };
  field(
    'Explain',
    textField('Continuation to explain', settings.target, 'target', 'any continuation', value =>
      explain({ target: value })
    )
  );
  const foils = payload.candidates
    .filter(candidate => candidate.role !== 'target')
    .map(candidate => ({ value: candidate.text, label: candidate.name }));
  field(
    'Foil',
    selectOrText(
      'Foil',
      [{ value: NONE, label: 'none' }, ...foils],
      settings.foil ?? NONE,
      'foil-select',
      'another continuation',
      '',
      value => explain({ foil: value === NONE ? null : value })
    )
  );
  if (takes.includes('baseline')) {
    // A text that is in use is listed too; it belongs into the text field.
    const baselines = options.baselines
      .filter(entry => !entry.name.startsWith(TEXT))
      .map(entry => ({ value: entry.name, label: entry.label }));
    field(
      'Baseline',
      selectOrText('Baseline', baselines, settings.baseline, 'baseline', 'a text of your own', TEXT, value =>
        explain({ baseline: value })
      )
    );
  }
  if (takes.includes('steps')) {
    field('Steps', stepsField(settings.steps, options.steps, explain));
  }
  if (takes.includes('quadrature')) {
    const rules = options.quadratures.map(entry => ({ value: entry.name, label: entry.label }));
    field(
      'Quadrature',
      select(rules, settings.quadrature, 'Quadrature', 'quadrature', value => explain({ quadrature: value }))
    );
  }

  const panel = h(
    'fieldset',
    {
      class: 'iw-panel',
      id,
      hidden: !open && !off,
      disabled: off,
      'data-iw': 'settings',
      'aria-label': 'Settings'
    },
    off &&
      h(
        'p',
        { class: 'iw-note', 'data-iw': 'gone' },
        'The model is no longer in memory, so nothing new can be asked. Load it and run the cell again.'
      ),
    ...(off ? [] : fields)
  );
  if (!off) {
    const more = button(
      {
        class: 'iw-control iw-more',
        'aria-label': 'More settings',
        title: 'More settings',
        'aria-expanded': String(open),
        'aria-controls': id,
        'data-iw': 'more'
      },
      '⋯',
      () => {
        panel.hidden = !panel.hidden;
        more.setAttribute('aria-expanded', String(!panel.hidden));
        onToggle(!panel.hidden);
      }
    );
    head.append(more);
    return {
      head,
      panel,
      close: () => {
        if (panel.hidden) {
          return false;
        }
        const inside = panel.contains(document.activeElement);
        more.click();
        if (inside) {
          more.focus();
        }
        return true;
      }
    };
  }
  return { head, panel, close: () => false };
}
