/** What may be chosen: the methods, the continuation and the foil, in a panel behind "⋯". */

import { h, button } from '../dom';
import { drawPanel, questionFields } from '../fields';
import type { Controls } from '../fields';
import type { ExplainArgs, Options } from './live';
import type { ComparePayload } from './payload';

/** A list of boxes to tick; work may be long, so nothing is asked before the button is pressed; it takes two. */
function methodList(
  payload: ComparePayload,
  options: Options,
  explain: (args: ExplainArgs) => void
): HTMLElement {
  const chosen = new Set(payload.settings.methods);
  const boxes = options.methods.map(({ name, label }) => {
    const box = h('input', { type: 'checkbox', value: name, 'data-iw': 'method', 'data-name': name });
    box.checked = chosen.has(name);
    return { name, box, element: h('label', { class: 'iw-check' }, box, ` ${label}`) };
  });
  const wanted = (): string[] => boxes.filter(({ box }) => box.checked).map(({ name }) => name);
  const ask = button({ class: 'iw-control iw-ask', 'data-iw': 'compare-these' }, 'Compare these', () =>
    explain({ methods: wanted() })
  );
  const settle = (): void => {
    const now = wanted();
    ask.disabled = now.length < 2 || (now.length === chosen.size && now.every(name => chosen.has(name)));
  };
  boxes.forEach(({ box }) => box.addEventListener('change', settle));
  settle();
  return h(
    'div',
    { class: 'iw-field iw-wide', role: 'group', 'aria-label': 'Methods' },
    h('span', { class: 'iw-dim', 'aria-hidden': 'true' }, 'Methods'),
    h('div', { class: 'iw-checks' }, ...boxes.map(({ element }) => element)),
    h('div', {}, ask)
  );
}

export function drawControls(
  payload: ComparePayload,
  options: Options | null,
  explain: ((args: ExplainArgs) => void) | null,
  open: boolean,
  onToggle: (open: boolean) => void
): Controls {
  const head = h('div', { class: 'iw-controls' });
  if (options === null || explain === null) {
    return { head, panel: null, close: () => false };
  }
  const fields = [...questionFields(payload, explain), methodList(payload, options, explain)];
  return drawPanel(head, fields, !options.live, open, onToggle);
}
