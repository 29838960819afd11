/**
 * How a live widget and the output that holds it agree on what the notebook file keeps. Both are bundled apart and meet
 * only in the page, so they speak by events: the output asks, the widget tells now and at every change.
 */

import type { JSONObject } from '@lumino/coreutils';

export const ASK_PICTURE = 'iw-ask-picture';
const PICTURE = 'iw-picture';

/** A picture as the notebook keeps it: the view's payload, and its forms for other hosts by MIME type. */
export interface Picture {
  payload: JSONObject;
  still: JSONObject;
}

function isObject(value: unknown): value is JSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Tells whoever holds `from` of the picture that it shows. */
export function announcePicture(from: HTMLElement, payload: unknown, still: unknown): void {
  if (isObject(payload) && isObject(still) && Object.keys(payload).length > 0) {
    const detail: Picture = { payload, still };
    from.dispatchEvent(new CustomEvent(PICTURE, { bubbles: true, detail }));
  }
}

/** Calls `keep` with each picture that a widget inside `node` tells of. */
export function onPicture(node: HTMLElement, keep: (picture: Picture) => void): void {
  node.addEventListener(PICTURE, event => {
    const detail: unknown = event instanceof CustomEvent ? event.detail : null;
    if (isObject(detail) && isObject(detail.payload) && isObject(detail.still)) {
      keep({ payload: detail.payload, still: detail.still });
    }
  });
}

/** Keeps the pictures of what stands inside `node` from those who hold it: they keep one of their own. */
export function holdPictures(node: HTMLElement): void {
  node.addEventListener(PICTURE, event => event.stopPropagation());
}

/** Asks the widget that drew `view` to tell what it shows. */
export function askPicture(view: Element): void {
  view.dispatchEvent(new CustomEvent(ASK_PICTURE, { bubbles: true }));
}
