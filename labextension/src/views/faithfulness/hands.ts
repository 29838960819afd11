/** What a person does with a reasoning: choose the question, strike, rewrite, cut, ask, and go back to what was tried. */

import { h, button } from '../dom';
import { roveColumn, take } from '../keys';
import { select } from '../fields';
import { answerWords, counted, folded, told } from './change';
import type { Change } from './change';
import type { FaithfulnessPayload, Question } from './payload';

export function drawChooser(
  payload: FaithfulnessPayload,
  at: number,
  choose: (at: number) => void
): HTMLElement | null {
  if (payload.questions.length < 2) {
    return null;
  }
  return select(
    payload.questions.map((question, place) => ({
      value: String(place),
      label: `${question.name} (${question.told})`
    })),
    String(at),
    'Question',
    'question',
    value => choose(Number(value))
  );
}

interface Acts {
  strike(): void;
  /** Opens the field, or closes it. */
  rewrite(): void;
  cut(): void;
  reset(): void;
  ask(): void;
}

export interface Actions {
  element: HTMLElement;
  show(state: { chosen: number | null; change: Change; changed: boolean; unknown: boolean }): void;
  busy(working: boolean): void;
}

/** `live`: whether the kernel can be asked. */
export function drawActions(live: boolean, acts: Acts): Actions {
  const action = (hook: string, label: string, run: () => void): HTMLButtonElement =>
    button({ class: 'iw-control iw-act', 'data-iw': hook }, label, run);
  const strike = action('strike', 'Strike', acts.strike);
  const rewrite = action('rewrite', 'Rewrite …', acts.rewrite);
  const cut = action('cut-after', 'Cut after it', acts.cut);
  const reset = action('reset', 'Whole reasoning', acts.reset);
  const ask = action('ask', 'Ask the model', acts.ask);
  const which = h('span', { class: 'iw-dim', 'data-iw': 'which' });
  rewrite.hidden = !live;
  let working = false;
  let state: Parameters<Actions['show']>[0] | null = null;
  const paint = (): void => {
    if (state === null) {
      return;
    }
    const { chosen, change, changed, unknown } = state;
    which.textContent = chosen === null ? 'Choose a sentence:' : `Sentence ${chosen + 1}:`;
    strike.textContent = chosen !== null && change.struck.has(chosen) ? 'Put back' : 'Strike';
    for (const one of [strike, rewrite, cut]) {
      one.disabled = chosen === null;
    }
    reset.disabled = !changed;
    ask.hidden = !live || !unknown;
    ask.disabled = working;
  };
  return {
    element: h(
      'div',
      { class: 'iw-acts', role: 'group', 'aria-label': 'Change the reasoning', 'data-iw': 'acts' },
      which,
      strike,
      rewrite,
      cut,
      reset,
      ask
    ),
    show: next => {
      state = next;
      paint();
    },
    busy: now => {
      working = now;
      paint();
    }
  };
}

/** The field for other words. `done` gets null where it is closed without any. */
export function drawWriting(at: number, words: string, done: (words: string | null) => void): HTMLElement {
  const input = h('input', {
    class: 'iw-control iw-text',
    type: 'text',
    value: words,
    autocomplete: 'off',
    'aria-label': `Sentence ${at + 1} in other words`,
    'data-iw': 'words'
  });
  input.addEventListener('keydown', event => {
    if (event.key === 'Enter') {
      take(event);
      const own = folded(input.value);
      done(own === '' ? null : own);
    }
  });
  return h(
    'div',
    { class: 'iw-writing', 'data-iw': 'writing' },
    input,
    button({ class: 'iw-control', 'data-iw': 'words-done' }, 'Use', () => {
      const own = folded(input.value);
      done(own === '' ? null : own);
    })
  );
}

/** What was tried by hand, to go back to. */
export function drawTried(question: Question, go: (change: Change) => void): HTMLElement | null {
  if (question.tried.length === 0) {
    return null;
  }
  const items = question.tried.map((one, at) => {
    const change: Change = {
      kept: one.kept,
      struck: new Set(one.struck),
      rewritten: new Map(one.rewritten)
    };
    return button({ class: 'iw-tried', 'data-iw': 'tried', 'data-index': at }, null, () =>
      go({ ...change, struck: new Set(change.struck), rewritten: new Map(change.rewritten) })
    );
  });
  items.forEach((item, at) => {
    const one = question.tried[at];
    if (one !== undefined) {
      const change = { kept: one.kept, struck: new Set(one.struck), rewritten: new Map(one.rewritten) };
      item.append(told(question, change), h('b', {}, ` → ${answerWords(question, one.choice)}`));
    }
  });
  roveColumn(items);
  return h('div', { class: 'iw-tried-part' }, h('div', { class: 'iw-heading' }, 'Tried by hand'), ...items);
}

/** The change as the kernel is asked for it. */
export function argumentsOf(question: Question, change: Change): Record<string, unknown> {
  const { kept, struck, rewritten } = counted(change);
  return { ask: { question: question.number, kept, struck, rewritten } };
}
