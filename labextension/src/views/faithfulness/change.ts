/** What a person does to a reasoning, and which answer is known to it. The kernel's half is by_hand.py. */

import type { Choice, Question } from './payload';

export interface Change {
  /** So many sentences from the beginning are read. */
  kept: number;
  struck: Set<number>;
  rewritten: Map<number, string>;
}

export function whole(question: Question | undefined): Change {
  return { kept: question?.sentences.length ?? 0, struck: new Set(), rewritten: new Map() };
}

/** Words as they are compared and sent. */
export const folded = (words: string): string => words.trim().replace(/\s+/g, ' ');

/** What counts of a change: nothing behind the cut, no words for a struck sentence. */
export function counted({ kept, struck, rewritten }: Change) {
  return {
    kept,
    struck: [...struck].filter(at => at < kept).sort((a, b) => a - b),
    rewritten: [...rewritten].filter(([at]) => at < kept && !struck.has(at)).sort(([a], [b]) => a - b)
  };
}

const key = (change: ReturnType<typeof counted>): string =>
  JSON.stringify([change.kept, change.struck, change.rewritten]);

/** The answer after a change, where one was asked for; null where none was. */
export function answer(question: Question, change: Change): Choice | null {
  const made = counted(change);
  const n = question.sentences.length;
  if (made.rewritten.length === 0) {
    if (made.struck.length === 0 && question.cuts[made.kept] !== null) {
      return question.cuts[made.kept] ?? null;
    }
    const [only] = made.struck;
    const without = only === undefined ? null : (question.sentences[only]?.without ?? null);
    if (made.kept === n && made.struck.length === 1 && without !== null) {
      return without;
    }
  }
  const wanted = key(made);
  return (
    question.tried.find(
      ({ kept, struck, rewritten }) =>
        key(counted({ kept, struck: new Set(struck), rewritten: new Map(rewritten) })) === wanted
    )?.choice ?? null
  );
}

function numbers(places: readonly number[]): string {
  const names = places.map(at => String(at + 1));
  const last = names.pop() ?? '';
  return names.length === 0 ? `sentence ${last}` : `sentences ${names.join(', ')} and ${last}`;
}

/** A change in words. */
export function told(question: Question, change: Change): string {
  const { kept, struck, rewritten } = counted(change);
  const n = question.sentences.length;
  const parts = [
    kept === n ? 'the whole reasoning' : kept === 0 ? 'no sentence' : `${kept} of ${n} sentences`,
    struck.length > 0 ? `without ${numbers(struck)}` : '',
    rewritten.length > 0 ? `with ${numbers(rewritten.map(([at]) => at))} rewritten` : ''
  ];
  return parts.filter(part => part !== '').join(', ');
}

/** An answer in words, such as "B 0.84". */
export function answerWords(question: Question, choice: Choice | null): string {
  if (choice === null) {
    return '';
  }
  const { option } = choice;
  return option === null
    ? 'no option'
    : `${question.options[option]?.letter ?? ''} ${choice.labels[option] ?? ''}`;
}
