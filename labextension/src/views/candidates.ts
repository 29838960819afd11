/** The next tokens the model considers. In a live view each can be explained instead, or taken as the foil. */

import { h, button, foreign, append } from './dom';
import { step, take, rove } from './keys';
import type { Candidate } from './payload';

/** What a click on a candidate asks. */
export type Wish = { target?: string; foil?: string | null };

/** What to ask when a candidate becomes the target. The present foil becomes the target by trading places. */
export function asTarget(candidate: Candidate, target: string): Wish | null {
  switch (candidate.role) {
    case 'target':
      return null;
    case 'foil':
      return { target: candidate.text, foil: target };
    default:
      return { target: candidate.text };
  }
}

/** What to ask when a candidate becomes the foil; the present foil is let go. */
export function asFoil(candidate: Candidate): Wish | null {
  switch (candidate.role) {
    case 'target':
      return null;
    case 'foil':
      return { foil: null };
    default:
      return { foil: candidate.text };
  }
}

function foilWords(candidate: Candidate): { text: string; name: string } {
  return candidate.role === 'foil'
    ? { text: 'foil ✕', name: `Stop comparing with ${candidate.name}` }
    : { text: 'as foil', name: `Compare with ${candidate.name}: use it as the foil` };
}

/** Draws the list; `explain` is null in a saved picture or when the model is gone. */
export function drawCandidates(
  payload: { candidates: Candidate[]; settings: { target: string } },
  explain: ((args: Wish) => void) | null
): HTMLElement {
  const top = Math.max(...payload.candidates.map(candidate => candidate.probability), 0);
  const mains: HTMLElement[] = [];
  const foils: (HTMLElement | null)[] = [];

  const rows = payload.candidates.map(candidate => {
    const { role, name, label } = candidate;
    const bar = h('span', { class: 'iw-bar iw-plain', 'aria-hidden': 'true' });
    bar.style.setProperty('--w', `${(top > 0 ? (candidate.probability / top) * 100 : 0).toFixed(2)}%`);
    const content = [
      foreign(name, { class: 'iw-name', title: name }),
      h('span', { class: 'iw-track' }, bar),
      h('span', { class: 'iw-number' }, label)
    ];
    const marks = { 'data-iw': 'candidate', 'data-id': candidate.id, 'data-role': role };
    const row = h('div', { class: `iw-candidate${role === null ? '' : ` iw-${role}`}`, role: 'listitem' });
    if (explain === null) {
      const plain = h('div', { class: 'iw-row', ...marks });
      append(plain, content);
      row.append(plain, h('span', { class: 'iw-role' }, role ?? ''));
      return row;
    }
    const main = button(
      {
        class: 'iw-row',
        ...marks,
        'aria-current': role === 'target' ? 'true' : null,
        'aria-label':
          role === 'target'
            ? `${name}, probability ${label}, explained here`
            : `Explain ${name} instead, probability ${label}${role === 'foil' ? ', the foil' : ''}`
      },
      null,
      () => {
        const args = asTarget(candidate, payload.settings.target);
        if (args !== null) {
          explain(args);
        }
      }
    );
    append(main, content);
    mains.push(main);
    row.append(main);
    if (role === 'target') {
      foils.push(null);
      row.append(h('span', { class: 'iw-role' }, 'target'));
    } else {
      const words = foilWords(candidate);
      const choose = button(
        {
          class: 'iw-role iw-link',
          'data-iw': 'foil',
          'data-id': candidate.id,
          'aria-label': words.name,
          title: words.name,
          tabindex: -1
        },
        words.text,
        () => {
          const args = asFoil(candidate);
          if (args !== null) {
            explain(args);
          }
        }
      );
      foils.push(choose);
      row.append(choose);
    }
    return row;
  });

  const list = h('div', { class: 'iw-rows', role: 'list', 'aria-label': 'Next tokens' }, ...rows);
  rove(
    mains,
    Math.max(
      0,
      payload.candidates.findIndex(candidate => candidate.role === 'target')
    )
  );
  list.addEventListener('focusin', event => {
    const index = mains.findIndex(main => main === event.target);
    if (index >= 0) {
      rove(mains, index);
    }
  });
  list.addEventListener('keydown', event => {
    const target = event.target;
    const index = mains.findIndex((main, at) => main === target || foils[at] === target);
    if (index < 0 || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const onFoil = foils[index] === target;
    const to = step(event.key, index, mains.length, true);
    if (to !== null) {
      take(event);
      rove(mains, to);
      (onFoil ? (foils[to] ?? mains[to]) : mains[to])?.focus();
    } else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
      take(event);
      (event.key === 'ArrowRight' ? foils[index] : mains[index])?.focus();
    } else if (event.key === 'f') {
      take(event);
      foils[index]?.click();
    }
  });

  return h(
    'div',
    { class: 'iw-list', 'data-iw': 'candidates' },
    h(
      'div',
      { class: 'iw-heading' },
      explain === null ? 'Next tokens' : 'Next tokens · choose one to explain it'
    ),
    list
  );
}
