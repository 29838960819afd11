/** The place where a cell is read: what is looked at, or else what is chosen, or a hint. */

import { h } from '../dom';

export interface HeatReadout {
  element: HTMLElement;
  show(parts: readonly (Node | string | null)[]): void;
}

/** `hint` stands there while no cell is looked at. */
export function drawHeatReadout(hint: string): HeatReadout {
  const element = h('div', { class: 'iw-readout', 'aria-live': 'polite', 'data-iw': 'readout' });
  return {
    element,
    show: parts => {
      element.replaceChildren();
      const told = parts.filter(part => part !== null);
      element.append(...(told.length > 0 ? told : [h('span', { class: 'iw-dim' }, hint)]));
    }
  };
}
