/** The texts as running text, one below the other under one keyboard; each with the value at its peak. */

import { h } from '../dom';
import { take } from '../keys';
import { drawList } from '../list';
import { drawToken, setLines, share, side } from '../tokens';
import type { How } from '../selection';
import type { Entry, NeuronPayload, Word } from './payload';

/** Share of the largest activation below which a token has no bar: a line under every word would be no picture. */
const FAINT = 0.06;

/** A word of a text. */
export interface Place {
  entry: Entry;
  word: Word;
}

export interface Texts {
  element: HTMLElement;
  focused(): Place | null;
  /** Shows which entries are selected, by their places in the payload. */
  select(boxes: ReadonlySet<number>): void;
}

interface Events {
  look(place: Place | null): void;
  choose(box: number, how: How, from: number | null): void;
}

/** A person's own text stands first. */
function ordered(boxes: readonly Entry[]): Entry[] {
  const own = boxes.filter(entry => entry.rank === 'yours');
  return [...own, ...boxes.filter(entry => entry.rank !== 'yours')];
}

/** The place of the word with the largest activation in the peak's direction. */
function peakOf(entry: Entry): number {
  const sign = entry.peak.score < 0 ? -1 : 1;
  let best = 0;
  entry.words.forEach((word, at) => {
    if (sign * word.score > sign * (entry.words[best]?.score ?? 0)) {
      best = at;
    }
  });
  return best;
}

export function drawTexts(payload: NeuronPayload, events: Events): Texts {
  const places: Place[] = [];
  const peaks: number[] = [];
  const drawn = new Map<Entry, HTMLElement>();
  const boxOf = (at: number): number => {
    const place = places[at];
    return place === undefined ? -1 : payload.boxes.indexOf(place.entry);
  };
  const go = (by: number): void => {
    const now = list.focused() ?? 0;
    const to = by > 0 ? peaks.find(at => at > now) : [...peaks].reverse().find(at => at < now);
    if (to !== undefined) {
      list.focus(to);
    }
  };
  const list = drawList('Texts and their tokens', {
    look: at => events.look(at === null ? (places[list.focused() ?? -1] ?? null) : (places[at] ?? null)),
    choose: (at, how) => {
      const from = list.focused();
      events.choose(boxOf(at), how, from === null ? null : boxOf(from));
    }
  });
  list.element.classList.add('iw-texts');
  // Before the list hears of the key: its own keys act without moving the focus.
  list.element.addEventListener(
    'keydown',
    event => {
      if (!event.ctrlKey && !event.metaKey && !event.altKey && (event.key === 'n' || event.key === 'p')) {
        take(event);
        go(event.key === 'n' ? 1 : -1);
      }
    },
    true
  );

  ordered(payload.boxes).forEach(entry => {
    const start = places.length;
    peaks.push(start + peakOf(entry));
    const items = entry.words.map((word, at) => {
      places.push({ entry, word });
      const token = drawToken(word, start + at, payload.scale);
      if (share(word.score, payload.scale.max) < FAINT) {
        token.style.setProperty('--h', '0px');
      }
      token.setAttribute('aria-label', word.label === '' ? word.name : `${word.name} ${word.label}`);
      return token;
    });
    const text = h('div', { class: 'iw-entry-text' });
    const directions = setLines(text, { boxes: entry.words, groups: [] }, items);
    const first = text.firstElementChild;
    const last = text.lastElementChild;
    const dots = (): HTMLElement => h('span', { class: 'iw-dim', 'aria-hidden': 'true' }, '…');
    if (entry.ends[0] && first !== null) {
      first.prepend(dots());
    }
    if (entry.ends[1] && last !== null) {
      last.append(dots());
    }
    list.items.push(...items);
    list.directions.push(...directions);
    const element = h(
      'div',
      {
        class: 'iw-entry',
        role: 'group',
        'aria-label': `${entry.rank === 'yours' ? 'your text' : `rank ${entry.rank}`}, peak ${entry.peak.name} ${entry.peak.label}`,
        'data-iw': 'entry',
        'data-rank': entry.rank
      },
      h(
        'div',
        { class: 'iw-entry-head' },
        h('span', { class: 'iw-dim' }, entry.rank),
        h(
          'span',
          { class: `iw-number iw-ink-${side(entry.peak.score)}`, 'data-iw': 'peak' },
          entry.peak.label
        )
      ),
      text
    );
    drawn.set(entry, element);
    list.element.append(element);
  });
  list.enter(peaks[0] ?? 0);

  return {
    element: list.element,
    focused: () => places[list.focused() ?? -1] ?? null,
    select: boxes => {
      list.items.forEach((item, at) => item.setAttribute('aria-selected', String(boxes.has(boxOf(at)))));
      payload.boxes.forEach((entry, at) => drawn.get(entry)?.classList.toggle('iw-chosen', boxes.has(at)));
    }
  };
}
