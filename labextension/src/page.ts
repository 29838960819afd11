/** Draws every picture of a kind on a stand-alone page, in the place of the script that holds its data. */

import type { PictureKind } from './views/kinds';

/** The minified style sheet, put in by the bundler. */
declare const INTERP_STYLES: string;

function draw(script: HTMLScriptElement, kind: PictureKind): void {
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
  parent.append(kind.draw(payload).element);
}

function drawAll(kind: PictureKind): void {
  if (document.querySelector(`style[data-interp="${kind.name}"]`) === null) {
    const style = document.createElement('style');
    style.dataset.interp = kind.name;
    style.textContent = INTERP_STYLES;
    document.head.append(style);
  }
  document
    .querySelectorAll<HTMLScriptElement>(`script[type="application/json"][data-interp="${kind.name}"]`)
    .forEach(script => draw(script, kind));
}

/** Now, or as soon as the page is there. */
export function drawPage(kind: PictureKind): void {
  if (document.readyState === 'loading') {
    document.addEventListener('DOMContentLoaded', () => drawAll(kind), { once: true });
  } else {
    drawAll(kind);
  }
}
