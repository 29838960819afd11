/** Fields that ask: lists, texts, numbers, and the panel that holds them. */

import { h, button, uniqueId } from './dom';
import { take } from './keys';

const OWN = '\u0000own';

export interface Entry {
  value: string;
  label: string;
}

export function select(
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
export function textField(
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
export function selectOrText(
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

/** A whole number within a range; empty is the method's own default where that is allowed. */
export function numberField(
  name: string,
  hook: string,
  value: number | null,
  range: { min: number; max: number },
  onAsk: (value: number) => void
): HTMLElement {
  const element = h('input', {
    class: 'iw-control iw-number-field',
    type: 'number',
    min: range.min,
    max: range.max,
    step: 1,
    value: value ?? '',
    placeholder: value === null ? 'default' : null,
    'aria-label': name,
    'data-iw': hook
  });
  let asked = value;
  const ask = (): void => {
    const wanted = Math.round(Number(element.value));
    if (element.value === '' || !Number.isFinite(wanted)) {
      element.value = asked === null ? '' : String(asked);
      return;
    }
    const whole = Math.min(range.max, Math.max(range.min, wanted));
    element.value = String(whole);
    if (whole !== asked) {
      asked = whole;
      onAsk(whole);
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

/** One labelled control. */
export function field(label: string, control: HTMLElement): HTMLElement {
  return h(
    'div',
    { class: 'iw-field' },
    h('span', { class: 'iw-dim', 'aria-hidden': 'true' }, label),
    control
  );
}

export interface Controls {
  /** What stands in the head of the card. */
  head: HTMLElement;
  /** The panel that "⋯" opens; null in a saved picture. */
  panel: HTMLElement | null;
  /** Closes the panel; false if it was closed. */
  close(): boolean;
}

/** The panel behind "⋯"; without a model it says so and holds nothing. */
export function drawPanel(
  head: HTMLElement,
  fields: readonly HTMLElement[],
  off: boolean,
  open: boolean,
  onToggle: (open: boolean) => void
): Controls {
  const id = uniqueId('settings');
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
  if (off) {
    return { head, panel, close: () => false };
  }
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

const NONE = '\u0000none';

/** What is explained, and against what. */
export function questionFields(
  payload: {
    candidates: { text: string; name: string; role: string | null }[];
    settings: { target: string; foil: string | null };
  },
  explain: (args: { target?: string; foil?: string | null }) => void
): HTMLElement[] {
  const { target, foil } = payload.settings;
  const foils = payload.candidates
    .filter(candidate => candidate.role !== 'target')
    .map(candidate => ({ value: candidate.text, label: candidate.name }));
  return [
    field(
      'Explain',
      textField('Continuation to explain', target, 'target', 'any continuation', value =>
        explain({ target: value })
      )
    ),
    field(
      'Foil',
      selectOrText(
        'Foil',
        [{ value: NONE, label: 'none' }, ...foils],
        foil ?? NONE,
        'foil-select',
        'another continuation',
        '',
        value => explain({ foil: value === NONE ? null : value })
      )
    )
  ];
}
