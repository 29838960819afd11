/** From a cell to an edit: the new answer, the method and the layer; and the same trace after it. */

import { h, button } from '../dom';
import { field, numberField, select } from '../fields';
import { take } from '../keys';
import type { CardEvents } from '../view';
import type { Live } from './live';
import type { TracePayload } from './payload';

/** What is half written; it outlives a picture. */
export interface Editing {
  open: boolean;
  answer: string;
  method: string | null;
}

export interface Editor {
  /** Opens and closes the form for a layer; null where nothing can be edited. */
  link(layer: number): HTMLElement | null;
  form: HTMLElement;
  /** Traces again; null before the first edit. */
  again: HTMLElement | null;
  busy(working: boolean): void;
  /** Closes the form; false if it was closed. */
  close(): boolean;
}

/** The answer as it will be read: with the space in front that the traced one has. */
export function spaced(answer: string, target: string): string {
  const shown = answer.replace(/^ +/, spaces => '·'.repeat(spaces.length));
  return answer.startsWith(' ') || !target.startsWith('·') ? shown : `·${shown}`;
}

export function drawEditor(
  payload: TracePayload,
  live: Live | null,
  editing: Editing,
  events: Pick<CardEvents, 'explain'>
): Editor {
  const options = live?.options;
  const can = options?.live === true && options.edit;
  const form = h('div', { class: 'iw-editor', hidden: true, 'data-iw': 'edit-form' });
  let link: HTMLElement | null = null;
  let layer = 0;

  const answer = h('input', {
    class: 'iw-control iw-text',
    type: 'text',
    spellcheck: 'false',
    autocomplete: 'off',
    placeholder: 'the answer that it should give',
    'aria-label': 'New answer',
    'data-iw': 'edit-answer'
  });
  answer.value = editing.answer;
  const told = h('p', { class: 'iw-dim', 'aria-live': 'polite', 'data-iw': 'edit-told' });
  const method = (): string => editing.method ?? options?.methods[0]?.name ?? '';
  const tell = (): void => {
    told.textContent =
      answer.value.trim() === ''
        ? `In place of ${payload.target}. It gets the space in front that ${payload.target} has.`
        : `${payload.target} → ${spaced(answer.value, payload.target)}, at layer ${layer}`;
  };
  const send = (): void => {
    if (answer.value.trim() !== '') {
      events.explain({ edit: { target: answer.value, method: method(), layer } });
    } else {
      answer.focus();
    }
  };
  answer.addEventListener('input', () => {
    editing.answer = answer.value;
    tell();
  });
  answer.addEventListener('keydown', event => {
    if (event.key === 'Enter') {
      take(event);
      send();
    }
  });
  const go = button({ class: 'iw-control iw-ask', 'data-iw': 'edit-go' }, 'Edit', send);

  const show = (): void => {
    const highest = Math.max(...payload.columns.map(Number));
    form.hidden = !editing.open;
    link?.setAttribute('aria-expanded', String(editing.open));
    form.replaceChildren(
      h(
        'div',
        { class: 'iw-editor-fields' },
        field('New answer', answer),
        field(
          'Method',
          select(
            (options?.methods ?? []).map(({ name, label }) => ({ value: name, label })),
            method(),
            'Method',
            'edit-method',
            value => {
              editing.method = value;
            }
          )
        ),
        field(
          'Layer',
          numberField('Layer', 'edit-layer', layer, { min: 0, max: highest }, value => {
            layer = value;
            tell();
          })
        ),
        go
      ),
      told
    );
    tell();
  };
  const toggle = (open: boolean): void => {
    editing.open = open;
    show();
    if (open) {
      answer.focus({ preventScroll: true });
    }
  };

  return {
    link: at => {
      if (!can) {
        return null;
      }
      layer = at;
      link = button(
        { class: 'iw-link', 'data-iw': 'edit-here', 'aria-expanded': String(editing.open) },
        'edit here',
        () => toggle(!editing.open)
      );
      show();
      return link;
    },
    form,
    again:
      can && options.edited
        ? button({ class: 'iw-link', 'data-iw': 'trace-again' }, 'trace again', () =>
            events.explain({ again: true })
          )
        : null,
    busy: working => {
      go.disabled = working;
    },
    close: () => {
      if (form.hidden || !form.isConnected) {
        return false;
      }
      const inside = form.contains(document.activeElement);
      toggle(false);
      if (inside) {
        link?.focus({ preventScroll: true });
      }
      return true;
    }
  };
}
