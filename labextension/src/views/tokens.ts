/** Tokens as running text, each tinted and underlined by its score; what a view does with them is its own. */

import { h, foreign } from './dom';
import { TEMPLATE, direction, paragraphs, runs } from './lines';
import type { Box, Group, Scale } from './payload';

/** Height of the bar under the token with the largest absolute score, in pixels. */
const BAR = 8;
/** Tokens longer than this may break inside. */
const LONG = 24;

/** Size of a score as a share of the scale, between 0 and 1. */
export function share(score: number, max: number): number {
  return max > 0 ? Math.min(1, Math.abs(score) / max) : 0;
}

export function side(score: number): 'for' | 'against' | 'none' {
  return score > 0 ? 'for' : score < 0 ? 'against' : 'none';
}

/** Gives a token the ink of its score; none for null. */
export function ink(token: HTMLElement, score: number | null, max: number): void {
  const size = share(score ?? 0, max);
  for (const name of ['for', 'against', 'none'] as const) {
    token.classList.toggle(`iw-${name}`, side(score ?? 0) === name);
  }
  token.style.setProperty('--s', size.toFixed(4));
  token.style.setProperty(
    '--h',
    `${score === null || score === 0 ? 0 : Math.max(1, Math.round(size * BAR))}px`
  );
}

/** One token; `role` is "option" in a list and "gridcell" in a grid. */
export function drawToken(
  box: Pick<Box, 'text' | 'name' | 'score' | 'label'>,
  index: number,
  scale: Scale,
  role: 'option' | 'gridcell' = 'option'
): HTMLElement {
  const token = h(
    'span',
    {
      class: `iw-token${box.text.length > LONG ? ' iw-long' : ''}${box.text.includes('\n') ? ' iw-newline' : ''}`,
      role,
      'aria-selected': 'false',
      'aria-label': `${box.name} ${box.label} ${scale.unit}`,
      tabindex: -1,
      'data-iw': 'token',
      'data-index': index,
      'data-score': box.score
    },
    box.text
  );
  ink(token, box.score, scale.max);
  return token;
}

/** The index that a token inside the event's target has; null outside of tokens. */
export function indexOf(target: EventTarget | null): number | null {
  const token = target instanceof Element ? target.closest<HTMLElement>('.iw-token') : null;
  return token === null ? null : Number(token.dataset.index);
}

/** Puts the tokens into `element` in turns and lines; returns the direction that each one's line has. */
export function setLines(
  element: HTMLElement,
  passage: { boxes: readonly Pick<Box, 'text'>[]; groups: readonly Group[] },
  items: readonly HTMLElement[]
): ('ltr' | 'rtl')[] {
  const directions: ('ltr' | 'rtl')[] = [];
  for (const run of runs(passage)) {
    const template = run.label === TEMPLATE;
    const text = paragraphs(passage.boxes, run, template).map(part => {
      const boxes = passage.boxes.slice(part.start, part.end);
      const dir = direction(boxes.map(box => box.text).join(''));
      const line = h('div', { class: 'iw-run', dir });
      boxes.forEach((box, offset) => {
        directions.push(dir);
        // A line may break where a token begins with a space, and nowhere inside a word.
        if (offset > 0 && /^\s/.test(box.text)) {
          line.append(h('wbr'));
        }
        const item = items[part.start + offset];
        if (item !== undefined) {
          line.append(item);
        }
      });
      return line;
    });
    if (run.label === null) {
      element.append(...text);
    } else {
      element.append(
        h(
          'div',
          {
            class: `iw-turn${template ? ' iw-template' : ''}`,
            role: 'group',
            'aria-label': run.label,
            'data-iw': 'group'
          },
          !template && foreign(run.label, { class: 'iw-turn-label', 'aria-hidden': 'true' }),
          ...text
        )
      );
    }
  }
  return directions;
}

/** Index of the token one visual row up or down, nearest to the middle of the present one; null at the edge. */
export function rowStep(items: readonly HTMLElement[], index: number, down: boolean): number | null {
  const here = items[index]?.getBoundingClientRect();
  if (here === undefined) {
    return null;
  }
  const middle = (here.left + here.right) / 2;
  let row: number | null = null;
  let best: { index: number; distance: number } | null = null;
  const order = down
    ? items.slice(index + 1).map((_, offset) => index + 1 + offset)
    : items.slice(0, index).map((_, offset) => index - 1 - offset);
  for (const at of order) {
    const rect = items[at]?.getBoundingClientRect();
    if (rect === undefined) {
      continue;
    }
    const beyond = down ? rect.top >= here.bottom - 2 : rect.bottom <= here.top + 2;
    if (!beyond) {
      continue;
    }
    row ??= rect.top;
    // Tokens of one line share their top within a few pixels; the next line ends the search.
    if (Math.abs(rect.top - row) > here.height / 2) {
      break;
    }
    const distance = Math.abs((rect.left + rect.right) / 2 - middle);
    if (best === null || distance < best.distance) {
      best = { index: at, distance };
    }
  }
  return best?.index ?? null;
}
