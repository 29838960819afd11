/** The question, and the verdict under it: shape, word and sentence, with the reasons folded away. */

import { h, button, foreign, uniqueId } from './dom';
import type { TitlePart, Verdict, Word } from './payload';

const SHAPES: Record<Word, string> = { trust: '●', caution: '▲', 'do not trust': '■' };

/** Class-name part of a verdict's word; a word of a later version is drawn as caution. */
export function tone(word: string): 'ok' | 'warn' | 'bad' {
  return word === 'trust' ? 'ok' : word === 'do not trust' ? 'bad' : 'warn';
}

export function titleText(payload: { title: TitlePart[] }): string {
  return payload.title.map(part => part.text).join('');
}

export function drawTitle(payload: { title: TitlePart[] }, id: string): HTMLElement {
  const title = h('div', { class: 'iw-title', role: 'heading', 'aria-level': 3, id, 'data-iw': 'title' });
  for (const part of payload.title) {
    title.append(part.quote === true ? foreign(part.text, { class: 'iw-quote' }) : part.text);
  }
  return title;
}

/** The verdict's shape and word. */
export function drawBadge(word: Word): HTMLElement {
  return h(
    'span',
    { class: `iw-badge iw-${tone(word)}` },
    h('span', { 'aria-hidden': 'true' }, SHAPES[word] ?? SHAPES.caution),
    ` ${word}`
  );
}

/** `open` is whether the reasons are folded out; `onToggle` remembers it for the next picture. */
export function drawVerdict(verdict: Verdict, open: boolean, onToggle: (open: boolean) => void): HTMLElement {
  const id = uniqueId('why');
  const element = h('div', { class: 'iw-verdict', 'data-iw': 'verdict', 'data-word': verdict.word });
  const sentence = h('span', { class: 'iw-sentence' }, verdict.sentence);
  element.append(drawBadge(verdict.word), sentence);
  if (verdict.why.length > 0) {
    const why = h(
      'div',
      { class: 'iw-why', id, hidden: !open, 'data-iw': 'why' },
      ...verdict.why.map(paragraph => h('p', {}, paragraph))
    );
    const link = button(
      { class: 'iw-link', 'aria-expanded': String(open), 'aria-controls': id, 'data-iw': 'why-toggle' },
      verdict.word === 'trust' ? 'Why' : 'Why, and what to use',
      () => {
        why.hidden = !why.hidden;
        link.setAttribute('aria-expanded', String(!why.hidden));
        onToggle(!why.hidden);
      }
    );
    sentence.append(' ', link);
    element.append(why);
  }
  return element;
}
