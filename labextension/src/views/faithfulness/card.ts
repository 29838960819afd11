/** Puts the parts of the card together, and keeps them in step with what a person does to the reasoning. */

import { h, append, foreign, uniqueId } from '../dom';
import { drawPanel } from '../fields';
import { drawFoot } from '../foot';
import { isWriting, take } from '../keys';
import { drawTitle, drawVerdict } from '../title';
import { drawAnswers } from './answers';
import { answer, answerWords, counted, told, whole } from './change';
import { cueWords, drawCues, drawFailures } from './cues';
import { drawCurves, percent } from './curve';
import { argumentsOf, drawActions, drawChooser, drawTried, drawWriting } from './hands';
import { KEYS } from './help';
import { savings } from './save';
import { drawSentences } from './sentences';
import { drawTable } from './table';
import type { Card, CardEvents } from '../view';
import type { Change } from './change';
import type { Spot } from './curve';
import type { Live, Place } from './live';
import type { FaithfulnessPayload, Question } from './payload';

/** What is folded out, chosen and tried; it outlives a picture. */
export interface Folds {
  table: boolean;
  why: boolean;
  /** The place of the question in the list; null: the one that the picture begins with. */
  at: number | null;
  chosen: number | null;
  change: Change | null;
  writing: boolean;
}

export interface Choices {
  choose(place: Place): void;
}

/** A change is asked about once it rests this long, in milliseconds. */
export const REST = 300;

const HINT =
  'Point at a sentence or at the curve to read it. The tint and the bar are what the answer loses without it.';

function sentenceParts(question: Question, at: number): (Node | string)[] {
  const one = question.sentences[at];
  if (one === undefined) {
    return [];
  }
  const changed = question.changes.filter(change => change.place === at);
  const before = answerWords(question, question.cuts[question.sentences.length] ?? null);
  return [
    h('span', { class: 'iw-name' }, `Sentence ${at + 1}`),
    h('span', { class: 'iw-value' }, one.label === '' ? 'not struck alone' : `necessity ${one.label}`),
    one.without === null
      ? ''
      : h('span', {}, `without it ${answerWords(question, one.without)}, with it ${before}`),
    one.added === null ? '' : h('span', {}, `adds ${one.added} log-odds to the answer`),
    ...changed.map(change =>
      h(
        'span',
        { class: 'iw-parts' },
        `${change.test}: `,
        foreign(change.text),
        ` → ${answerWords(question, change.choice)}`
      )
    )
  ];
}

function spotParts({ curve, point }: Spot): (Node | string)[] {
  return [
    h('span', { class: 'iw-name' }, curve.name),
    h('span', { class: 'iw-value' }, point.label),
    h(
      'span',
      { class: 'iw-parts' },
      `at ${percent(point.share)} of the reasoning, mean over ${curve.questions} questions`
    )
  ];
}

function drawLegend(): HTMLElement {
  return h(
    'div',
    { class: 'iw-legend', 'data-iw': 'legend' },
    h('div', {}, 'necessity: probability of the answer that goes when the sentence is struck'),
    h('div', {}, '“necessary”: another option is answered then')
  );
}

export function drawCard(
  payload: FaithfulnessPayload,
  live: Live | null,
  folds: Folds,
  events: CardEvents,
  choices: Choices
): Card<FaithfulnessPayload> {
  const titleId = uniqueId('title');
  const last = Math.max(0, payload.questions.length - 1);
  const at = Math.min(folds.at ?? payload.start, last);
  const question = payload.questions[at];
  const n = question?.sentences.length ?? 0;
  const change = (folds.change ??= whole(question));
  const awake = live !== null && live.options.live;
  let spot: Spot | null = null;
  let looked: number | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let working = live?.status.state === 'running';

  const head = h('div', { class: 'iw-controls' });
  const go = (to: number): void => {
    const next = payload.questions[to];
    if (next === undefined || to === at) {
      return;
    }
    Object.assign(folds, { at: to, chosen: null, change: whole(next), writing: false });
    choices.choose({ question: next.number, sentence: null });
    events.redraw();
  };
  const chooser = drawChooser(payload, at, go);
  append(head, [chooser]);
  const controls =
    live !== null && !awake ? drawPanel(head, [], true, false, () => undefined) : { panel: null };

  const readout = h('div', { class: 'iw-readout', 'aria-live': 'polite', 'data-iw': 'readout' });
  const show = (): void => {
    const sentence = looked ?? folds.chosen;
    const parts =
      spot !== null
        ? spotParts(spot)
        : question !== undefined && sentence !== null
          ? sentenceParts(question, sentence)
          : [h('span', { class: 'iw-dim' }, HINT)];
    readout.replaceChildren();
    append(readout, parts);
  };

  const state = h('p', { class: 'iw-now-words', role: 'status', 'data-iw': 'now' });
  const answers = h('div', { class: 'iw-answers', 'data-iw': 'answers' });
  const writing = h('div', {});
  const plot = drawCurves(payload.curves, payload.areas, next => {
    spot = next;
    show();
  });

  const ask = (): void => {
    if (timer !== null) {
      clearTimeout(timer);
      timer = null;
    }
    if (awake && question !== undefined && answer(question, change) === null) {
      events.explain(argumentsOf(question, change));
    }
  };
  /** Shows the reasoning as it is now; where it rests and no answer is known, the kernel is asked. */
  const apply = (rests: boolean): void => {
    if (question === undefined) {
      return;
    }
    const found = answer(question, change);
    sentences?.show(change, folds.chosen);
    const { kept, struck, rewritten } = counted(change);
    const untouched = kept === n && struck.length === 0 && rewritten.length === 0;
    const unknown = found === null;
    state.textContent = `Answer after ${told(question, change)}: ${
      !unknown
        ? answerWords(question, found)
        : awake
          ? working
            ? 'being asked'
            : 'not asked yet'
          : live === null
            ? 'not in this output; run its cell to ask the model'
            : 'not asked, the model is not in memory'
    }`;
    state.toggleAttribute('data-unknown', unknown);
    answers.replaceChildren(drawAnswers(question, found));
    acts.show({ chosen: folds.chosen, change, changed: !untouched, unknown });
    plot.cut(untouched || n === 0 ? null : kept / n);
    if (timer !== null) {
      clearTimeout(timer);
      timer = null;
    }
    if (rests && unknown && awake) {
      timer = setTimeout(ask, REST);
    }
  };
  const choose = (sentence: number): void => {
    if (folds.chosen !== sentence && question !== undefined) {
      folds.chosen = sentence;
      choices.choose({ question: question.number, sentence });
    }
    apply(false);
    show();
  };
  const strike = (sentence: number): void => {
    folds.chosen = sentence;
    if (!change.struck.delete(sentence)) {
      change.struck.add(sentence);
    }
    apply(true);
  };
  const cut = (kept: number, rests: boolean): void => {
    if (kept !== change.kept || rests) {
      change.kept = kept;
      apply(rests);
    }
  };
  const write = (): void => {
    const sentence = folds.chosen;
    writing.replaceChildren();
    if (!folds.writing || sentence === null || question === undefined || !awake) {
      folds.writing = false;
      return;
    }
    const now = change.rewritten.get(sentence) ?? question.sentences[sentence]?.text ?? '';
    writing.append(
      drawWriting(sentence, now, words => {
        folds.writing = false;
        if (words !== null) {
          change.rewritten.set(sentence, words);
          change.struck.delete(sentence);
          if (words === question.sentences[sentence]?.text) {
            change.rewritten.delete(sentence);
          }
        }
        write();
        apply(true);
        sentences?.focus(sentence);
      })
    );
  };
  const rewrite = (sentence: number): void => {
    if (awake) {
      folds.chosen = sentence;
      folds.writing = true;
      apply(false);
      write();
      writing.querySelector('input')?.focus();
    }
  };
  const acts = drawActions(awake, {
    strike: () => folds.chosen !== null && strike(folds.chosen),
    rewrite: () => folds.chosen !== null && rewrite(folds.chosen),
    cut: () => folds.chosen !== null && cut(folds.chosen + 1, true),
    reset: () => {
      Object.assign(change, whole(question));
      folds.writing = false;
      write();
      apply(false);
    },
    ask
  });
  const sentences =
    question === undefined || n === 0
      ? null
      : drawSentences(question, {
          look: sentence => {
            looked = sentence;
            show();
          },
          choose,
          strike,
          rewrite,
          cut
        });
  const tried =
    question === undefined
      ? null
      : drawTried(question, next => {
          Object.assign(change, next);
          apply(false);
        });

  const part =
    question === undefined
      ? null
      : h(
          'div',
          { class: 'iw-question-part', 'data-iw': 'part' },
          h('p', { class: 'iw-question', 'data-iw': 'asked' }, foreign(question.question)),
          question.trouble === ''
            ? null
            : h('p', { class: 'iw-trouble', 'data-iw': 'trouble' }, question.trouble),
          h(
            'p',
            { class: 'iw-dim', 'data-iw': 'at-once' },
            `Without reasoning: ${answerWords(question, question.at_once)}. ${question.told}.`
          ),
          sentences?.element ?? null,
          sentences === null ? null : acts.element,
          writing,
          h('div', { class: 'iw-reading' }, readout, drawLegend()),
          state,
          answers,
          h('div', { class: 'iw-heading' }, 'upper bar: whole reasoning; lower bar: now'),
          tried,
          ...question.cues.map(cue => h('p', { class: 'iw-dim', 'data-iw': 'asked-cue' }, cueWords(cue)))
        );
  part?.addEventListener('keydown', event => {
    const letter = !event.ctrlKey && !event.metaKey && !event.altKey && !isWriting(event.target);
    if (letter && (event.key === 'n' || event.key === 'p')) {
      take(event);
      go(at + (event.key === 'n' ? 1 : -1));
    }
  });
  apply(false);
  write();
  show();

  const foot = drawFoot(payload, {
    keys: KEYS,
    savings: savings(payload, at),
    table: folds.table,
    plain: 'picture',
    onTable: () => {
      folds.table = !folds.table;
      events.redraw();
    },
    onCancel: events.cancel,
    fix: awake ? events.explain : null
  });
  const picture = folds.table
    ? [drawTable(payload, question)]
    : [
        part,
        payload.rest === null ? null : h('p', { class: 'iw-lead' }, payload.rest),
        plot.element,
        drawCues(payload.cues),
        drawFailures(payload)
      ];

  return {
    titleId,
    parts: [
      h('header', { class: 'iw-head' }, drawTitle(payload, titleId), head),
      controls.panel,
      drawVerdict(payload.verdict, folds.why, open => {
        folds.why = open;
      }),
      foot.problem,
      ...picture,
      foot.help,
      foot.bar,
      foot.footer
    ].filter(one => one !== null),
    close: () => {
      if (foot.closeMenu() || foot.closeHelp()) {
        return true;
      }
      if (folds.writing) {
        folds.writing = false;
        write();
        if (folds.chosen !== null) {
          sentences?.focus(folds.chosen);
        }
        return true;
      }
      return false;
    },
    toggleHelp: foot.toggleHelp,
    select: () => undefined,
    status: status => {
      working = status.state === 'running';
      acts.busy(working);
      apply(false);
      foot.status(status);
    },
    dispose: () => {
      if (timer !== null) {
        clearTimeout(timer);
      }
      foot.dispose();
    }
  };
}
