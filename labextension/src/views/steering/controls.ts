/** The prompt, and what else may be set: layers, positions, length, chance; in a panel behind "⋯". */

import { h, button } from '../dom';
import { drawPanel, field, numberField, select } from '../fields';
import { take } from '../keys';
import { stillPrompt } from './still';
import type { Controls } from '../fields';
import type { Options } from './live';
import type { Settings, SteeringPayload } from './payload';

const HEATS = [0, 0.3, 0.5, 0.7, 1, 1.3];

/** The prompt in a field that asks on Enter or when it is left; null: write the same again. */
export function drawPrompt(payload: SteeringPayload, ask: (text: string | null) => void): HTMLElement {
  const { text, note, editable } = payload.prompt;
  if (!editable) {
    return stillPrompt(payload);
  }
  const label = h('span', { class: 'iw-dim' }, note === '' ? 'Prompt' : `Prompt (${note})`);
  const area = h('textarea', {
    class: 'iw-control iw-prompt-field',
    rows: Math.min(4, Math.max(1, Math.ceil(text.length / 64))),
    dir: 'auto',
    spellcheck: 'false',
    'aria-label': 'Prompt',
    'data-iw': 'prompt'
  });
  area.value = text;
  let asked = text;
  const send = (always: boolean): void => {
    if (always || area.value !== asked) {
      const changed = area.value !== asked;
      asked = area.value;
      ask(changed ? area.value : null);
    }
  };
  area.addEventListener('change', () => send(false));
  area.addEventListener('keydown', event => {
    if (event.key === 'Enter' && !event.shiftKey) {
      take(event);
      send(true);
    }
  });
  const write = button({ class: 'iw-control iw-ask', 'data-iw': 'write' }, 'Write', () => send(true));
  return h('div', { class: 'iw-prompt' }, label, h('div', { class: 'iw-prompt-row' }, area, write));
}

function layerFields(
  settings: Settings,
  range: { min: number; max: number },
  set: (part: Partial<Settings>) => void
): HTMLElement {
  const middle = Math.round((range.min + range.max) / 2);
  let [first, last, every] = settings.layers ?? [middle, middle, 1];
  const ask = (): void => {
    set({ layers: [Math.min(first, last), Math.max(first, last), every] });
  };
  const from = numberField('First layer', 'layer-from', first, range, value => {
    first = value;
    ask();
  });
  const to = numberField('Last layer', 'layer-to', last, range, value => {
    last = value;
    ask();
  });
  const step = numberField(
    'Every so many layers',
    'layer-every',
    every,
    { min: 1, max: range.max + 1 },
    value => {
      every = value;
      ask();
    }
  );
  const fields = h(
    'div',
    { class: 'iw-range', hidden: settings.layers === null },
    h('span', { class: 'iw-dim', 'aria-hidden': 'true' }, 'from'),
    from,
    h('span', { class: 'iw-dim', 'aria-hidden': 'true' }, 'to'),
    to,
    h('span', { class: 'iw-dim', 'aria-hidden': 'true' }, 'every'),
    step
  );
  const choice = select(
    [
      { value: 'own', label: 'each vector at its own' },
      { value: 'range', label: 'a range' }
    ],
    settings.layers === null ? 'own' : 'range',
    'Layers',
    'layers',
    value => {
      fields.hidden = value === 'own';
      if (value === 'own') {
        set({ layers: null });
      } else {
        ask();
      }
    }
  );
  return h('div', { class: 'iw-stack' }, choice, fields);
}

export interface ControlEvents {
  set(part: Partial<Settings>): void;
  load(preset: unknown): void;
  open: boolean;
  toggle(open: boolean): void;
}

/** A file with settings, read in the page; what is wrong with it the kernel says. */
function drawLoad(load: (preset: unknown) => void): HTMLElement {
  const file = h('input', {
    type: 'file',
    accept: 'application/json,.json',
    hidden: true,
    tabindex: -1,
    'data-iw': 'load-file'
  });
  file.addEventListener('change', () => {
    const chosen = file.files?.[0];
    if (chosen !== undefined) {
      void chosen.text().then(text => {
        try {
          load(JSON.parse(text));
        } catch {
          load(text);
        }
        file.value = '';
      });
    }
  });
  const choose = button({ class: 'iw-control iw-ask', 'data-iw': 'load' }, 'Load settings …', () =>
    file.click()
  );
  return h('div', { class: 'iw-stack' }, choose, file);
}

export function drawControls(options: Options | null, settings: Settings, events: ControlEvents): Controls {
  const head = h('div', { class: 'iw-controls' });
  if (options === null) {
    return { head, panel: null, close: () => false };
  }
  const keep = h('input', { type: 'checkbox', 'data-iw': 'keep-norm' });
  keep.checked = settings.keep_norm;
  keep.addEventListener('change', () => events.set({ keep_norm: keep.checked }));
  const heats = HEATS.includes(settings.temperature)
    ? HEATS
    : [...HEATS, settings.temperature].sort((a, b) => a - b);
  const fields = [
    options.layers === null ? null : field('Layers', layerFields(settings, options.layers, events.set)),
    field(
      'Positions',
      select(
        options.positions.map(({ name, label }) => ({ value: name, label })),
        settings.positions,
        'Positions',
        'positions',
        positions => events.set({ positions })
      )
    ),
    field(
      'Length in tokens',
      numberField(
        'Length in tokens',
        'length',
        settings.max_new_tokens,
        { min: 1, max: options.most },
        value => events.set({ max_new_tokens: value })
      )
    ),
    field(
      'Temperature',
      select(
        heats.map(heat => ({ value: String(heat), label: heat === 0 ? '0, greedy' : String(heat) })),
        String(settings.temperature),
        'Temperature',
        'temperature',
        heat => events.set({ temperature: Number(heat) })
      )
    ),
    field(
      'Seed',
      numberField('Seed', 'seed', settings.seed, { min: 0, max: 999_999 }, seed => events.set({ seed }))
    ),
    h('label', { class: 'iw-tick' }, keep, ' Keep the norm of the state'),
    field('From a file', drawLoad(events.load))
  ].filter(item => item !== null);
  return drawPanel(head, fields, !options.live, events.open, events.toggle);
}
