/** The reasoning as sentences, each with its necessity as tint, bar and number; and the cut, which moves between them. */

import { h, foreign } from '../dom';
import { step, take } from '../keys';
import { listen } from '../places';
import { share } from '../tokens';
import type { Change } from './change';
import type { Question } from './payload';

export interface SentenceEvents {
  /** A sentence is looked at, or none is. */
  look(at: number | null): void;
  choose(at: number): void;
  strike(at: number): void;
  rewrite(at: number): void;
  /** The cut moves; `rests` where it has been let go. */
  cut(kept: number, rests: boolean): void;
}

export interface Sentences {
  element: HTMLElement;
  /** Shows a change, and the chosen sentence. */
  show(change: Change, chosen: number | null): void;
  focus(at: number): void;
}

function drawSentence(question: Question, at: number): HTMLElement {
  const one = question.sentences[at];
  if (one === undefined) {
    return h('div');
  }
  const size = share(Math.max(0, one.necessity ?? 0), 1);
  const bar = h('span', { class: 'iw-bar', 'aria-hidden': 'true', hidden: size === 0 });
  bar.style.setProperty('--w', `${(size * 100).toFixed(2)}%`);
  const row = h(
    'div',
    {
      class: `iw-sentence-row${one.necessary ? ' iw-necessary' : ''}`,
      role: 'option',
      tabindex: -1,
      'aria-selected': 'false',
      'data-iw': 'sentence',
      'data-index': at
    },
    h('span', { class: 'iw-measure' }, h('span', { class: 'iw-track' }, bar), h('span', {}, one.label)),
    h('span', { class: 'iw-words' }, foreign(one.text)),
    h('span', { class: 'iw-flag' })
  );
  row.style.setProperty('--s', size.toFixed(4));
  row.style.order = String(2 * at + 1);
  return row;
}

/** What was measured is true of the sentence as the model wrote it; own words have neither a number nor a tint. */
function flags(question: Question, at: number, change: Change): string {
  const own = change.rewritten.has(at);
  const one = own ? undefined : question.sentences[at];
  return [
    at >= change.kept ? 'cut off' : change.struck.has(at) ? 'struck' : '',
    own ? 'rewritten' : '',
    one?.necessary === true ? 'necessary' : '',
    one !== undefined && one.states !== null ? `says ${one.states}` : ''
  ]
    .filter(word => word !== '')
    .join(', ');
}

export function drawSentences(question: Question, events: SentenceEvents): Sentences {
  const n = question.sentences.length;
  const rows = question.sentences.map((_, at) => drawSentence(question, at));
  const box = h(
    'div',
    {
      class: 'iw-sentence-list',
      role: 'listbox',
      'aria-label': 'Sentences of the reasoning',
      'data-iw': 'sentences'
    },
    ...rows
  );
  const words = h('span', { class: 'iw-cut-words' });
  const cut = h(
    'div',
    {
      class: 'iw-cut',
      role: 'slider',
      tabindex: 0,
      'aria-label': 'Where the reasoning is cut',
      'aria-orientation': 'vertical',
      'aria-valuemin': 0,
      'aria-valuemax': n,
      'data-iw': 'cut'
    },
    words
  );
  let kept = n;
  const acts: Readonly<Record<string, (at: number) => void>> = {
    x: events.strike,
    Delete: events.strike,
    r: events.rewrite,
    c: at => events.cut(at + 1, true)
  };
  const { enter, focus } = listen<number>(box, {
    of: target => {
      const found = target instanceof Element ? target.closest<HTMLElement>('.iw-sentence-row') : null;
      return found === null ? null : Number(found.dataset.index);
    },
    item: at => rows[at],
    look: events.look,
    choose: at => events.choose(at),
    move: (key, at) => {
      const act = acts[key];
      if (act !== undefined) {
        act(at);
        return null;
      }
      const to = step(key, at, n, true);
      if (to !== null) {
        events.choose(to);
      }
      return to;
    }
  });
  // What a letter did is done: neither the host nor the page must act on it too.
  box.addEventListener('keydown', event => {
    if (acts[event.key] !== undefined && !event.ctrlKey && !event.metaKey && !event.altKey) {
      take(event);
    }
  });

  cut.addEventListener('keydown', event => {
    const sideways: Record<string, string> = { ArrowLeft: 'ArrowUp', ArrowRight: 'ArrowDown' };
    const to = step(sideways[event.key] ?? event.key, kept, n + 1, true);
    if (to !== null) {
      take(event);
      events.cut(to, true);
    }
  });
  /** The place between sentences that is nearest to a height on the page. */
  const placeAt = (y: number): number =>
    rows.filter(row => {
      const { top, bottom } = row.getBoundingClientRect();
      return (top + bottom) / 2 < y;
    }).length;
  let drags = false;
  cut.addEventListener('pointerdown', event => {
    drags = true;
    cut.setPointerCapture?.(event.pointerId);
    cut.focus();
    event.preventDefault();
  });
  cut.addEventListener('pointermove', event => {
    if (drags) {
      events.cut(placeAt(event.clientY), false);
    }
  });
  for (const end of ['pointerup', 'pointercancel']) {
    cut.addEventListener(end, () => {
      if (drags) {
        drags = false;
        events.cut(kept, true);
      }
    });
  }

  return {
    element: h('div', { class: 'iw-reasoning', 'data-iw': 'reasoning' }, box, cut),
    show: (change, chosen) => {
      kept = change.kept;
      rows.forEach((row, at) => {
        const gone = at >= kept;
        const struck = change.struck.has(at);
        row.classList.toggle('iw-gone', gone);
        row.classList.toggle('iw-struck', struck && !gone);
        row.setAttribute('aria-selected', String(at === chosen));
        const own = change.rewritten.get(at);
        const flag = flags(question, at, change);
        const text = own ?? question.sentences[at]?.text ?? '';
        row.querySelector('.iw-words')?.replaceChildren(foreign(text));
        const place = row.querySelector('.iw-flag');
        if (place !== null) {
          place.textContent = flag;
        }
        row.classList.toggle('iw-rewritten', own !== undefined);
        const label = own === undefined ? (question.sentences[at]?.label ?? '') : '';
        row.setAttribute(
          'aria-label',
          `${at + 1}: ${text}${label === '' ? '' : `, necessity ${label}`}${flag === '' ? '' : `, ${flag}`}`
        );
      });
      enter(chosen ?? 0);
      cut.style.order = String(2 * kept);
      const told =
        kept === n
          ? `all ${n} sentences are read`
          : kept === 0
            ? 'no sentence is read'
            : `the first ${kept} of ${n} sentences are read`;
      words.textContent = `${kept === n ? 'drag up to cut' : 'cut'} · ${told}`;
      cut.setAttribute('aria-valuenow', String(kept));
      cut.setAttribute('aria-valuetext', told);
    },
    focus
  };
}
