/** What mouse, focus and keys do to the places of a picture (tokens of a text, cells of a grid), the same in all. */

import { take } from './keys';
import type { How } from './selection';

export interface Places<P> {
  /** The place at an event's target; null outside of them. */
  of(target: EventTarget | null): P | null;
  item(place: P): HTMLElement | undefined;
  /** A place is looked at (hover or focus), or none is. */
  look(place: P | null): void;
  /** Chosen: alone, added or taken away, or everything from the last chosen one to here. */
  choose(place: P, how: How): void;
  /** Where a key leads; null if it means nothing there. */
  move(key: string, from: P): P | null;
}

export interface Reach<P> {
  /** Makes a place the one that Tab reaches. */
  enter(place: P): void;
  focus(place: P): void;
  /** Where the focus is; null elsewhere on the page. */
  focused(): P | null;
}

export function listen<P>(element: HTMLElement, places: Places<P>): Reach<P> {
  const enter = (place: P): void => {
    const item = places.item(place);
    if (item !== undefined) {
      element.querySelectorAll<HTMLElement>('[tabindex="0"]').forEach(other => {
        other.tabIndex = -1;
      });
      item.tabIndex = 0;
    }
  };
  const focus = (place: P): void => {
    enter(place);
    places.item(place)?.focus();
  };

  // Scrolling by keys moves places under a resting pointer; only a pointer that moves itself looks at one.
  let pointer = '';
  element.addEventListener('pointermove', event => {
    const here = `${event.screenX},${event.screenY}`;
    if (here !== pointer) {
      pointer = here;
      places.look(places.of(event.target));
    }
  });
  element.addEventListener('pointerleave', () => places.look(null));
  element.addEventListener('focusin', event => {
    const place = places.of(event.target);
    if (place !== null) {
      enter(place);
      places.look(place);
    }
  });
  element.addEventListener('focusout', () => places.look(null));
  element.addEventListener('click', event => {
    const place = places.of(event.target);
    if (place !== null) {
      focus(place);
      places.choose(place, event.shiftKey ? 'extend' : event.ctrlKey || event.metaKey ? 'toggle' : 'only');
    }
  });
  element.addEventListener('keydown', event => {
    const place = places.of(event.target);
    if (place === null || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === 'Enter' || event.key === ' ') {
      take(event);
      places.choose(place, event.shiftKey ? 'extend' : 'toggle');
      return;
    }
    const to = places.move(event.key, place);
    if (to !== null) {
      take(event);
      if (event.shiftKey) {
        places.choose(to, 'extend');
      }
      focus(to);
    }
  });
  return {
    enter,
    focus,
    focused: () => (element.contains(document.activeElement) ? places.of(document.activeElement) : null)
  };
}
