/** The evaluation as a table whose parts fold, with one keyboard: up and down walk its rows. */

import { h, foreign } from '../dom';
import { rove, step, take } from '../keys';
import { hasSum } from './payload';
import type { Check, EditPayload, Group } from './payload';

export interface Checks {
  element: HTMLElement;
}

interface Events {
  /** Parts that are open, or not, otherwise than the payload has it. */
  folded: Map<string, boolean>;
  look(check: Check | null): void;
}

function badge(tone: string, mark: string, word: string): HTMLElement {
  return h(
    'span',
    { class: `iw-badge iw-${tone}` },
    h('span', { 'aria-hidden': 'true' }, mark),
    h('span', { class: 'iw-word' }, ` ${word}`)
  );
}

function drawCheck(check: Check, many: boolean): HTMLElement {
  const choice = (side: 'before' | 'after'): HTMLElement =>
    h(
      'span',
      { class: 'iw-choice', role: 'cell', 'data-label': side },
      foreign(check[side].name, { class: 'iw-name' }),
      ' ',
      h('span', { class: 'iw-number' }, check[side].label)
    );
  return h(
    'div',
    { class: 'iw-edit-check', role: 'row', tabindex: -1, 'data-iw': 'check', 'data-tone': check.tone },
    h(
      'span',
      { class: 'iw-edit-check-prompt', role: 'cell' },
      many ? h('span', { class: 'iw-dim' }, foreign(check.subject), ' ') : null,
      foreign(check.prompt)
    ),
    choice('before'),
    choice('after'),
    h('span', { role: 'cell' }, badge(check.tone, check.mark, check.word))
  );
}

function drawSum(group: Group, open: boolean): HTMLElement {
  return h(
    'div',
    {
      class: 'iw-edit-check iw-sum-row',
      role: 'row',
      tabindex: -1,
      'aria-expanded': String(open),
      'data-iw': 'group',
      'data-key': group.key
    },
    h(
      'span',
      { class: 'iw-edit-check-prompt', role: 'cell' },
      h('span', { class: 'iw-fold', 'aria-hidden': 'true' }, open ? '▾' : '▸'),
      ` ${group.words}`
    ),
    h('span', { class: 'iw-choice', role: 'cell', 'data-label': 'before' }, group.before),
    h('span', { class: 'iw-choice', role: 'cell', 'data-label': 'after' }, group.after),
    h('span', { role: 'cell' }, badge(group.tone, group.mark, group.word))
  );
}

export function drawChecks(payload: EditPayload, events: Events): Checks {
  const element = h('div', {
    class: 'iw-edit-checks',
    role: 'table',
    'aria-label': 'What was checked, before and after the edit',
    'data-iw': 'checks',
    hidden: payload.groups.length === 0
  });
  const checks = new Map<HTMLElement, Check>();
  const folds = new Map<HTMLElement, Group>();
  let items: HTMLElement[] = [];
  const isOpen = (group: Group): boolean => events.folded.get(group.key) ?? group.open;

  const draw = (): void => {
    checks.clear();
    folds.clear();
    items = [];
    element.replaceChildren(
      h(
        'div',
        { class: 'iw-edit-check iw-edit-check-head', role: 'row' },
        ...['check', 'before', 'after', ''].map(name => h('span', { role: 'columnheader' }, name))
      )
    );
    for (const group of payload.groups) {
      const many = payload.title.length === 1;
      const sum = hasSum(group);
      if (sum) {
        const line = drawSum(group, isOpen(group));
        folds.set(line, group);
        items.push(line);
        element.append(line);
      }
      if (!sum || isOpen(group)) {
        for (const check of group.rows) {
          const row = drawCheck(check, many);
          row.classList.toggle('iw-inner', sum);
          checks.set(row, check);
          items.push(row);
          element.append(row);
        }
        if (group.rest !== null) {
          element.append(h('div', { class: 'iw-edit-check-rest' }, group.rest));
        }
      }
    }
    rove(items, 0);
  };
  draw();

  const itemOf = (target: EventTarget | null): HTMLElement | null =>
    target instanceof Element ? target.closest<HTMLElement>('.iw-edit-check[tabindex]') : null;
  const toggle = (line: HTMLElement): void => {
    const group = folds.get(line);
    if (group !== undefined) {
      const at = items.indexOf(line);
      events.folded.set(group.key, !isOpen(group));
      draw();
      rove(items, at);
      items[at]?.focus({ preventScroll: true });
    }
  };
  const look = (target: EventTarget | null): void => {
    const item = itemOf(target);
    events.look(item === null ? null : (checks.get(item) ?? null));
  };
  element.addEventListener('pointermove', event => look(event.target));
  element.addEventListener('pointerleave', () =>
    look(element.contains(document.activeElement) ? document.activeElement : null)
  );
  element.addEventListener('focusin', event => {
    const item = itemOf(event.target);
    if (item !== null) {
      rove(items, items.indexOf(item));
    }
    look(event.target);
  });
  element.addEventListener('focusout', () => events.look(null));
  element.addEventListener('click', event => {
    const item = itemOf(event.target);
    if (item !== null) {
      item.focus({ preventScroll: true });
      toggle(item);
    }
  });
  element.addEventListener('keydown', event => {
    const item = itemOf(event.target);
    if (item === null || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === 'Enter' || event.key === ' ') {
      take(event);
      toggle(item);
      return;
    }
    const to = step(event.key, items.indexOf(item), items.length, true);
    if (to !== null) {
      take(event);
      rove(items, to);
      items[to]?.focus();
    }
  });
  return { element };
}
