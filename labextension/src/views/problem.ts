/** An error, where the result would stand: what is wrong, why, a link that does the likely fix, the traceback. */

import { h, button, uniqueId } from './dom';
import { copyText } from './save/download';
import type { Args, Failure } from './status';

export function drawProblem(
  failure: Failure,
  fix: ((args: Args) => void) | null,
  onDismiss: (() => void) | null
): HTMLElement {
  const element = h(
    'div',
    { class: 'iw-error', role: 'alert', 'data-iw': 'error' },
    h('div', { class: 'iw-error-title' }, failure.title)
  );
  const text = h('p', {}, failure.message);
  element.append(text);
  if (failure.fix !== null && fix !== null) {
    const { label, args } = failure.fix;
    text.append(
      ' ',
      button({ class: 'iw-link', 'data-iw': 'fix' }, label, () => fix(args))
    );
  }
  const links = h('div', { class: 'iw-error-links' });
  if (failure.traceback !== '') {
    const id = uniqueId('traceback');
    const trace = h(
      'pre',
      { class: 'iw-traceback', id, hidden: true, tabindex: 0, 'data-iw': 'traceback' },
      failure.traceback
    );
    const fold = button(
      { class: 'iw-link', 'aria-expanded': 'false', 'aria-controls': id, 'data-iw': 'traceback-toggle' },
      'Traceback',
      () => {
        trace.hidden = !trace.hidden;
        fold.setAttribute('aria-expanded', String(!trace.hidden));
      }
    );
    const copy = button({ class: 'iw-link', 'data-iw': 'traceback-copy' }, 'Copy traceback', () => {
      void copyText(failure.traceback).then(done => {
        copy.textContent = done ? 'Copied' : 'Could not copy';
      });
    });
    links.append(fold, copy);
    element.append(links, trace);
  }
  if (onDismiss !== null) {
    links.append(button({ class: 'iw-link', 'data-iw': 'dismiss' }, 'Dismiss', onDismiss));
    if (links.parentElement === null) {
      element.append(links);
    }
  }
  return element;
}
