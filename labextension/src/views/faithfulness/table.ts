/** The same numbers as tables: the reasoning that is shown, its answers, the curves, and the tables of the text form. */

import { h, foreign } from '../dom';
import { titleText } from '../title';
import { answerWords, told } from './change';
import { cueWords } from './cues';
import { percent } from './curve';
import type { FaithfulnessPayload, Question } from './payload';

function table(
  hook: string,
  caption: string,
  head: readonly string[],
  rows: readonly (Node | string)[][]
): HTMLElement | null {
  if (rows.length === 0) {
    return null;
  }
  return h(
    'table',
    { class: 'iw-table', 'data-iw': hook },
    h('caption', { class: 'iw-table-name' }, caption),
    h('thead', {}, h('tr', {}, ...head.map(name => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, ...rows.map(row => h('tr', { 'data-iw': 'row' }, ...row.map(cell => h('td', {}, cell)))))
  );
}

function ofQuestion(question: Question): (HTMLElement | null)[] {
  const n = question.sentences.length;
  const sentences = question.sentences.map((one, at) => [
    String(at + 1),
    foreign(one.text),
    one.label,
    one.necessary ? 'necessary' : '',
    one.states ?? '',
    answerWords(question, one.without),
    answerWords(question, question.cuts[at] ?? null)
  ]);
  const whole = question.cuts[n] ?? null;
  const options = question.options.map((one, at) => [
    foreign(`(${one.letter}) ${one.text}`),
    one.right ? 'right' : '',
    question.at_once.labels[at] ?? '',
    whole?.labels[at] ?? ''
  ]);
  const changed = [
    ...question.changes.map(one => [
      `${one.test}, sentence ${one.place + 1}`,
      foreign(one.text),
      answerWords(question, one.choice)
    ]),
    ...question.tried.map(one => [
      'tried by hand',
      told(question, {
        kept: one.kept,
        struck: new Set(one.struck),
        rewritten: new Map(one.rewritten)
      }),
      answerWords(question, one.choice)
    ])
  ];
  return [
    table('options-table', question.name, ['Option', '', 'Without reasoning', 'After it'], options),
    table(
      'sentences-table',
      'Sentences',
      ['', 'Sentence', 'Necessity', '', 'Says', 'Answer without it', 'Answer if cut before it'],
      sentences
    ),
    table('changes-table', 'Changed', ['How', 'To', 'Answer'], changed),
    table(
      'asked-cues-table',
      'Cues in this question',
      ['Cue'],
      question.cues.map(cue => [cueWords(cue)])
    )
  ];
}

export function drawTable(payload: FaithfulnessPayload, question: Question | undefined): HTMLElement {
  const points = payload.curves.flatMap(curve =>
    curve.points.map(point => [curve.name, percent(point.share), point.label])
  );
  return h(
    'div',
    {
      class: 'iw-table-box',
      tabindex: 0,
      role: 'region',
      'aria-label': `${titleText(payload)} As tables`,
      'data-iw': 'table'
    },
    ...(question === undefined ? [] : ofQuestion(question)),
    ...payload.tables.map(one => table('summary-table', one.heading, one.head, one.rows)),
    table(
      'curves-table',
      'Same answer as after the whole reasoning',
      ['Test', 'Share of the reasoning', 'Agreement'],
      points
    )
  );
}
