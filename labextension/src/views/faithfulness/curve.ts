/** Agreement over the share of the reasoning: a line, a sign and whiskers for each test; the points are walked by keys. */

import { h } from '../dom';
import { rove, step, take } from '../keys';
import { listen } from '../places';
import type { Area, Curve, Point } from './payload';

/** Told apart by colour, by sign and by dashes. */
const SIGNS: Readonly<Record<string, string>> = {
  early_answering: '●',
  adding_mistakes: '■',
  paraphrasing: '▲',
  filler_tokens: '◆'
};
const NAMESPACE = 'http://www.w3.org/2000/svg';

export interface Spot {
  curve: Curve;
  point: Point;
}

/** A share in hundredths, rounded half up. */
export const percent = (share: number): string => `${Math.floor(share * 100 + 0.5)} %`;

export const signOf = (test: string): string => SIGNS[test] ?? '✕';

function drawLine({ test, points }: Curve): SVGPolylineElement {
  const line = document.createElementNS(NAMESPACE, 'polyline');
  line.setAttribute('class', `iw-curve iw-of-${test}`);
  line.setAttribute('points', points.map(one => `${one.share * 100},${(1 - one.value) * 100}`).join(' '));
  return line;
}

function drawSpot({ curve, point }: Spot, at: number): HTMLElement[] {
  const place = (element: HTMLElement): HTMLElement => {
    element.style.setProperty('--x', `${(point.share * 100).toFixed(2)}%`);
    element.style.setProperty('--y', `${(point.value * 100).toFixed(2)}%`);
    element.style.setProperty('--low', `${(point.low * 100).toFixed(2)}%`);
    element.style.setProperty('--span', `${((point.high - point.low) * 100).toFixed(2)}%`);
    return element;
  };
  return [
    place(h('i', { class: `iw-whisker iw-of-${curve.test}`, 'aria-hidden': 'true' })),
    place(
      h(
        'span',
        {
          class: `iw-spot iw-of-${curve.test}`,
          role: 'img',
          tabindex: -1,
          'aria-label': `${curve.name}, ${percent(point.share)}: ${point.label}`,
          'data-iw': 'spot',
          'data-index': at
        },
        signOf(curve.test)
      )
    )
  ];
}

export interface Plot {
  element: HTMLElement;
  /** Where the reasoning that is shown is cut, as a share of its sentences. */
  cut(share: number | null): void;
}

export function drawCurves(
  curves: readonly Curve[],
  areas: readonly Area[],
  look: (spot: Spot | null) => void
): Plot {
  const spots = curves.flatMap(curve => curve.points.map(point => ({ curve, point })));
  const drawn = spots.map(drawSpot);
  const items = drawn.map(([, spot]) => spot).filter(spot => spot !== undefined);
  const picture = document.createElementNS(NAMESPACE, 'svg');
  picture.setAttribute('viewBox', '0 0 100 100');
  picture.setAttribute('preserveAspectRatio', 'none');
  picture.setAttribute('aria-hidden', 'true');
  picture.append(...curves.map(drawLine));
  const mark = h('i', { class: 'iw-here', 'aria-hidden': 'true', hidden: true, 'data-iw': 'here' });
  const plot = h(
    'div',
    {
      class: 'iw-plot',
      role: 'group',
      'aria-label': 'Same answer as after the whole reasoning, over the share of the reasoning',
      'data-iw': 'curve'
    },
    mark
  );
  plot.append(picture, ...drawn.flat());
  const { focused, focus } = listen<number>(plot, {
    of: target => {
      const found = target instanceof Element ? target.closest<HTMLElement>('.iw-spot') : null;
      return found === null ? null : Number(found.dataset.index);
    },
    item: at => items[at],
    look: at => {
      const now = at ?? focused();
      look(now === null ? null : (spots[now] ?? null));
    },
    choose: () => undefined,
    move: (key, at) => step(key, at, items.length, false)
  });
  // Up and down lead to the point of another test that is nearest in share.
  plot.addEventListener('keydown', event => {
    const at = focused();
    const here = at === null ? undefined : spots[at];
    if (here === undefined || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) {
      return;
    }
    take(event);
    const number = curves.indexOf(here.curve) + (event.key === 'ArrowDown' ? 1 : -1);
    const other = curves[number];
    const away = ({ share }: Point): number => Math.abs(share - here.point.share);
    const nearest = [...(other?.points ?? [])].sort((a, b) => away(a) - away(b))[0];
    const to = spots.findIndex(spot => spot.curve === other && spot.point === nearest);
    if (to >= 0) {
      focus(to);
    }
  });
  rove(items, 0);
  return {
    element: h(
      'div',
      { class: 'iw-curve-part', hidden: spots.length === 0 },
      h(
        'div',
        { class: 'iw-heading' },
        'Same answer as after the whole reasoning, mean over questions, 95 %'
      ),
      h(
        'div',
        { class: 'iw-frame' },
        h('span', { class: 'iw-scale-end' }, '1'),
        plot,
        h('span', { class: 'iw-scale-end iw-low' }, '0')
      ),
      h(
        'div',
        { class: 'iw-curve-axis', 'aria-hidden': 'true' },
        h('span', {}, '0 %'),
        h('span', {}, 'share of the reasoning kept, before the change, or filled'),
        h('span', {}, '100 %')
      ),
      drawAreas(curves, areas)
    ),
    cut: share => {
      mark.hidden = share === null;
      mark.style.setProperty('--x', `${((share ?? 0) * 100).toFixed(2)}%`);
    }
  };
}

/** The legend of the curves, with the area over each. */
function drawAreas(curves: readonly Curve[], areas: readonly Area[]): HTMLElement {
  const rows = curves.map(curve => {
    const area = areas.find(one => one.test === curve.test);
    return h(
      'div',
      { class: 'iw-area', role: 'listitem', 'data-iw': 'area' },
      h('span', { class: `iw-sign iw-of-${curve.test}`, 'aria-hidden': 'true' }, signOf(curve.test)),
      h('span', {}, curve.name),
      h('span', { class: 'iw-number' }, area === undefined ? '' : area.label)
    );
  });
  return h(
    'div',
    { class: 'iw-areas' },
    h('div', { class: 'iw-heading' }, 'Area over the curve; 0: the answer never depends on it'),
    h('div', { role: 'list', 'aria-label': 'Areas over the curves' }, ...rows)
  );
}
