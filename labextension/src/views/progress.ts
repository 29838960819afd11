/**
 * Waiting. Under 150 ms nothing is shown, from then the bar, from 1 s the estimate and Cancel. The kernel says how
 * far it is; this file alone decides when that is shown, by the age of the work.
 */

import { h, button } from './dom';
import type { Running, Status } from './status';

export const BAR_AFTER = 150;
export const WORDS_AFTER = 1000;

/** Whole numbers with a thin space between thousands. */
export function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, '\u2009');
}

/** "about 2 s left"; under a second and over a minute in words that are still true a moment later. */
function remaining(seconds: number): string {
  if (seconds < 1) {
    return 'under 1 s left';
  }
  return seconds < 90 ? `about ${Math.round(seconds)} s left` : `about ${Math.round(seconds / 60)} min left`;
}

/** One line: what is being done, how far, how long. */
export function progressText(status: Running): string {
  const parts = [status.text === '' ? 'working' : status.text];
  if (status.total > 0) {
    parts.push(`${grouped(status.done)} of ${grouped(status.total)}`);
  }
  if (status.remaining !== null) {
    parts.push(remaining(status.remaining));
  }
  return parts.join(', ');
}

export interface Progress {
  /** The thin bar at the foot of the picture; its place is kept when it is hidden. */
  bar: HTMLElement;
  /** Words and Cancel, which take the place of the provenance. */
  line: HTMLElement;
  show(status: Status): void;
  dispose(): void;
}

/** `onLine` is called when the words appear or go. */
export function drawProgress(onCancel: () => void, onLine: (shown: boolean) => void): Progress {
  const fill = h('i', { class: 'iw-progress-fill' });
  const bar = h('div', { class: 'iw-progress', 'data-iw': 'progress', 'data-shown': 'no' }, fill);
  const text = h('span', { class: 'iw-progress-text', 'data-iw': 'progress-text' });
  const cancel = button({ class: 'iw-link', 'data-iw': 'cancel' }, 'Cancel', () => {
    cancel.disabled = true;
    onCancel();
  });
  const line = h('div', { class: 'iw-line', hidden: true }, text, cancel);

  let began: number | null = null;
  let latest: Running | null = null;
  let timers: ReturnType<typeof setTimeout>[] = [];

  const stopTimers = (): void => {
    timers.forEach(clearTimeout);
    timers = [];
  };
  const setLine = (shown: boolean): void => {
    if (line.hidden === shown) {
      line.hidden = !shown;
      onLine(shown);
    }
  };
  const paint = (): void => {
    if (latest === null || began === null) {
      return;
    }
    const age = Date.now() - began;
    if (age < BAR_AFTER) {
      return;
    }
    const words = progressText(latest);
    bar.dataset.shown = 'yes';
    bar.setAttribute('role', 'progressbar');
    bar.setAttribute('aria-label', 'Progress');
    bar.setAttribute('aria-valuetext', words);
    const known = latest.total > 0;
    bar.classList.toggle('iw-unknown', !known);
    if (known) {
      const percent = Math.min(100, (latest.done / latest.total) * 100);
      bar.setAttribute('aria-valuenow', percent.toFixed(0));
      fill.style.setProperty('--w', `${percent.toFixed(1)}%`);
    } else {
      bar.removeAttribute('aria-valuenow');
    }
    if (age >= WORDS_AFTER) {
      text.textContent = words;
      setLine(true);
    }
  };

  return {
    bar,
    line,
    show: status => {
      if (status.state !== 'running') {
        stopTimers();
        latest = null;
        began = null;
        bar.dataset.shown = 'no';
        for (const name of ['role', 'aria-label', 'aria-valuetext', 'aria-valuenow']) {
          bar.removeAttribute(name);
        }
        cancel.disabled = false;
        setLine(false);
        return;
      }
      // A shorter elapsed time than before means that other work has begun.
      if (latest === null || began === null || status.elapsed < latest.elapsed) {
        stopTimers();
        cancel.disabled = false;
        began = Date.now() - status.elapsed * 1000;
        for (const moment of [BAR_AFTER, WORDS_AFTER]) {
          const wait = began + moment - Date.now();
          if (wait > 0) {
            timers.push(setTimeout(paint, wait));
          }
        }
      }
      latest = status;
      paint();
    },
    dispose: stopTimers
  };
}
