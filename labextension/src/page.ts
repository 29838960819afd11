/** Draws every highlight of a stand-alone page, in the place of the script that holds its data. */

import { HighlightView } from './views/highlight';

/** The minified style sheet, put in by the bundler. */
declare const INTERP_STYLES: string;

function draw(script: HTMLScriptElement): void {
  const parent = script.parentElement;
  if (parent === null || script.dataset.drawn !== undefined) {
    return;
  }
  script.dataset.drawn = '';
  let payload: unknown;
  try {
    payload = JSON.parse(script.textContent ?? '');
  } catch {
    payload = null;
  }
  parent.append(new HighlightView(payload).element);
}

function drawAll(): void {
  if (document.querySelector('style[data-interp="highlight"]') === null) {
    const style = document.createElement('style');
    style.dataset.interp = 'highlight';
    style.textContent = INTERP_STYLES;
    document.head.append(style);
  }
  document
    .querySelectorAll<HTMLScriptElement>('script[type="application/json"][data-interp="highlight"]')
    .forEach(draw);
}

if (document.readyState === 'loading') {
  document.addEventListener('DOMContentLoaded', drawAll, { once: true });
} else {
  drawAll();
}
