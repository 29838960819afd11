/**
 * A stand-alone page holds its data in a script of JSON and this view's module, which draws the picture in its place.
 * Anywhere else no such script is there, and the module only brings its widget.
 */

import type { PictureKind } from './views/kinds';

type Drawn = Pick<PictureKind, 'name' | 'draw'>;

function draw(script: HTMLScriptElement, kind: Drawn): void {
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

/** Draws every picture of a kind that the page holds. A module's script runs when the page has been read. */
export function drawPage(name: string, make: Drawn['draw']): void {
  document
    .querySelectorAll<HTMLScriptElement>(`script[type="application/json"][data-interp="${name}"]`)
    .forEach(script => draw(script, { name, draw: make }));
}
