/** The files that a faithfulness card can be saved as. */

import { dataSaving, savingsOf } from '../../save';
import { csvOf, csvText } from '../../save/csv';
import { COLOURS, PAD, Sheet, WIDTH, label } from '../../save/drawing';
import { titleText } from '../../title';
import { answerWords } from '../change';
import { percent, signOf } from '../curve';
import type { Saving } from '../../footer';
import type { Drawing } from '../../save/drawing';
import type { FaithfulnessPayload, Question } from '../payload';

/** One row for each sentence of each question. */
export function csv(payload: FaithfulnessPayload): string {
  return csvOf(
    'question,sentence,text,necessity,necessary,answer_without,answer_if_cut_before',
    payload.questions.flatMap(question =>
      question.sentences.map((one, at) => [
        String(question.number),
        String(at + 1),
        csvText(one.text),
        one.necessity === null ? '' : String(one.necessity),
        String(one.necessary),
        csvText(answerWords(question, one.without)),
        csvText(answerWords(question, question.cuts[at] ?? null))
      ])
    )
  );
}

const PLOT = { width: 420, height: 150 };
const INKS: Readonly<Record<string, string>> = {
  early_answering: COLOURS.for,
  adding_mistakes: COLOURS.against,
  paraphrasing: '#00735c',
  filler_tokens: '#9a4a86'
};

function drawCurves(sheet: Sheet, payload: FaithfulnessPayload): void {
  const top = sheet.y;
  const x = (share: number): string => (PAD + 20 + share * PLOT.width).toFixed(1);
  const y = (value: number): string => (top + (1 - value) * PLOT.height).toFixed(1);
  sheet.body.push(
    `<rect x="${x(0)}" y="${top}" width="${PLOT.width}" height="${PLOT.height}" fill="none" stroke="${COLOURS.line}"/>`,
    label('1', PAD, top + 8),
    label('0', PAD, top + PLOT.height)
  );
  for (const { test, points } of payload.curves) {
    const ink = INKS[test] ?? COLOURS.dim;
    const line = points.map(one => `${x(one.share)},${y(one.value)}`).join(' ');
    sheet.body.push(`<polyline points="${line}" fill="none" stroke="${ink}"/>`);
    for (const one of points) {
      sheet.body.push(
        `<path d="M${x(one.share)} ${y(one.low)}V${y(one.high)}" stroke="${ink}" stroke-opacity="0.5"/>`,
        `<text x="${x(one.share)}" y="${y(one.value)}" dy="4" text-anchor="middle" font-size="11" fill="${ink}">` +
          `${signOf(test)}</text>`
      );
    }
  }
  sheet.y += PLOT.height + 18;
  sheet.lines(`share of the reasoning, ${percent(0)} to ${percent(1)}; same answer as after all of it`, 100);
  for (const { test, name } of payload.curves) {
    const area = payload.areas.find(one => one.test === test);
    sheet.lines(`${signOf(test)} ${name}${area === undefined ? '' : `: area ${area.label}`}`, 100, {
      fill: INKS[test] ?? COLOURS.dim
    });
  }
}

function drawReasoning(sheet: Sheet, question: Question): void {
  const dark = { fill: COLOURS.text };
  sheet.y += 6;
  sheet.lines(question.question.replace(/\s+/g, ' '), 100, dark);
  for (const one of question.sentences) {
    const size = Math.max(0, one.necessity ?? 0);
    const width = Math.round(size * 60);
    if (width > 0) {
      sheet.body.push(
        `<rect x="${WIDTH - PAD - 60}" y="${sheet.y - 9}" width="${width}" height="8" fill="${COLOURS.for}"/>`
      );
    }
    const flag = one.necessary ? ' [necessary]' : '';
    sheet.lines(`${one.label}  ${one.text.replace(/\s+/g, ' ')}${flag}`, 92, dark);
  }
  const whole = question.cuts[question.sentences.length] ?? null;
  sheet.lines(
    `answer: ${answerWords(question, question.at_once)} without reasoning, ${answerWords(question, whole)} after it`,
    100
  );
}

/** Question, verdict, the reasoning that is shown, the curves, the cues. */
export function svg(payload: FaithfulnessPayload, at: number): Drawing {
  const sheet = new Sheet();
  sheet.title(payload);
  sheet.verdict(payload.verdict.word, payload.verdict.sentence);
  const question = payload.questions[at];
  if (question !== undefined) {
    drawReasoning(sheet, question);
  }
  sheet.y += 6;
  if (payload.curves.length > 0) {
    drawCurves(sheet, payload);
  }
  for (const cue of payload.cues) {
    sheet.lines(
      `${cue.name}: followed ${cue.followed_label}; of these, reasoning that names it ${cue.admitted_label}`,
      100
    );
  }
  sheet.lines(payload.failures.answers, 100);
  sheet.lines(payload.provenance.join(' · '), 104);
  return sheet.drawing(titleText(payload));
}

export function savings(payload: FaithfulnessPayload, at: number): Saving[] {
  return [
    ...savingsOf(
      'faithfulness',
      payload.model,
      () => svg(payload, at),
      () => csv(payload)
    ),
    dataSaving('faithfulness', payload)
  ];
}
