/** The answer as a distribution over the options: after the whole reasoning, and as it is read now. */

import { h, foreign } from '../dom';
import type { Choice, Question } from './payload';

/** A probability as it is written: "0.34", "> 0.99", "< 0.0001". */
export function size(label: string): number {
  const number = Number.parseFloat(label.replace(/^[<>]\s*/, ''));
  return Number.isFinite(number) ? Math.min(1, Math.max(0, number)) : 0;
}

function bar(label: string, plain: boolean): HTMLElement {
  const drawn = h('span', { class: `iw-bar${plain ? ' iw-plain' : ''}`, 'aria-hidden': 'true' });
  drawn.style.setProperty('--w', `${(size(label) * 100).toFixed(2)}%`);
  return drawn;
}

interface Row {
  letter: string;
  text: string;
  right: boolean;
  whole: string;
  now: string | null;
  first: boolean;
}

function rowsOf(question: Question, before: Choice, now: Choice | null): Row[] {
  const rows = question.options.map((option, at) => ({
    ...option,
    whole: before.labels[at] ?? '',
    now: now === null ? null : (now.labels[at] ?? ''),
    first: now !== null && now.option === at
  }));
  const none = before.none !== null || (now?.none ?? null) !== null;
  return none
    ? [
        ...rows,
        {
          letter: '',
          text: 'names no option',
          right: false,
          whole: before.none ?? '0.00',
          now: now === null ? null : (now.none ?? '0.00'),
          first: now !== null && now.option === null
        }
      ]
    : rows;
}

/** `now` is null where no answer is known. */
export function drawAnswers(question: Question, now: Choice | null): HTMLElement {
  const before = question.cuts[question.sentences.length];
  if (before === null || before === undefined) {
    return h('div', { hidden: true });
  }
  const rows = rowsOf(question, before, now).map(row =>
    h(
      'div',
      {
        class: `iw-answer${row.first ? ' iw-target' : ''}`,
        role: 'listitem',
        'data-iw': 'answer',
        'data-first': row.first ? '' : null
      },
      h(
        'span',
        { class: 'iw-answer-text' },
        row.letter === '' ? null : h('b', {}, `(${row.letter}) `),
        foreign(row.text),
        row.right ? h('span', { class: 'iw-role' }, ' right') : null
      ),
      h(
        'span',
        { class: 'iw-track' },
        bar(row.whole, true),
        row.now === null ? h('span', { class: 'iw-unasked' }) : bar(row.now, false)
      ),
      h('span', { class: 'iw-number' }, row.whole),
      h('span', { class: 'iw-arrow', 'aria-hidden': 'true' }, '→'),
      h('span', { class: 'iw-number iw-now' }, row.now ?? '?')
    )
  );
  return h('div', { role: 'list', 'aria-label': 'Answers, with the whole reasoning and now' }, ...rows);
}
