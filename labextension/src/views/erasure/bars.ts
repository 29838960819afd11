/** Probes at one place: a bar for each stage, its interval as a line across its end, and the majority class's share. */

import { h } from '../dom';
import { rove, step, take } from '../keys';
import { STAGE_WORDS } from './payload';
import type { Bar, ErasurePayload, Place } from './payload';

const BASELINE = 'always one class';

function percent(share: number): string {
  return `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;
}

function drawTrack(bar: Bar | null, value: number, majority: number): HTMLElement {
  const ink =
    bar === null || bar.stage === 'before' ? ' iw-plain' : bar.stage === 'random' ? ' iw-against' : '';
  const drawn = h('span', { class: `iw-bar${ink}` });
  drawn.style.setProperty('--w', percent(value));
  const line = h('i', { class: 'iw-majority' });
  line.style.setProperty('left', percent(majority));
  let whisker: HTMLElement | null = null;
  if (bar !== null && bar.low !== null && bar.high !== null) {
    whisker = h('i', { class: 'iw-interval', 'data-iw': 'whisker' });
    whisker.style.setProperty('left', percent(bar.low));
    whisker.style.setProperty('width', percent(bar.high - bar.low));
  }
  return h('span', { class: 'iw-track', 'aria-hidden': 'true' }, drawn, line, whisker);
}

/** What a bar says in the readout. */
export function barParts(payload: ErasurePayload, place: Place, bar: Bar | null): (Node | string)[] {
  const words = bar === null ? BASELINE : `${bar.probe}, ${STAGE_WORDS[bar.stage]}`;
  const told =
    bar === null
      ? 'the share of the commonest class: what a probe reaches that finds nothing'
      : bar.low === null
        ? 'right about a random label for each word: how much the probe can learn by heart'
        : `95 % interval ${bar.interval}; always one class ${payload.majority.label}` +
          (bar.stage === 'random' ? '' : bar.low <= payload.majority.value ? ': at chance' : ': above it');
  return [
    h('span', { class: 'iw-value' }, `${words}: `, h('b', {}, (bar ?? payload.majority).label)),
    h('span', { class: 'iw-dim' }, place.name),
    h('span', { class: 'iw-parts' }, told)
  ];
}

export function drawBars(
  payload: ErasurePayload,
  place: Place,
  look: (bar: Bar | null, baseline: boolean) => void
): HTMLElement {
  const entries: (Bar | null)[] = [...place.bars, null];
  const items: HTMLElement[] = entries.map((bar, at) => {
    const first = bar === null || entries[at - 1]?.probe !== bar.probe;
    const value = (bar ?? payload.majority).value;
    return h(
      'div',
      {
        class: `iw-probe${first ? ' iw-first' : ''}`,
        role: 'listitem',
        tabindex: -1,
        'data-iw': bar === null ? 'baseline' : 'bar',
        'data-stage': bar?.stage,
        'data-index': at
      },
      h('span', { class: first ? '' : 'iw-said' }, bar?.probe ?? BASELINE),
      h('span', { class: 'iw-dim iw-stage' }, bar?.stage ?? ''),
      drawTrack(bar, value, payload.majority.value),
      h('span', { class: 'iw-number' }, (bar ?? payload.majority).label)
    );
  });
  const list = h('div', { class: 'iw-rows', role: 'list', 'aria-label': 'What probes find' }, ...items);
  const indexOf = (target: EventTarget | null): number =>
    target instanceof Element ? items.findIndex(item => item.contains(target)) : -1;
  const tell = (target: EventTarget | null): void => {
    const at = indexOf(target);
    look(entries[at] ?? null, at === entries.length - 1);
  };
  list.addEventListener('pointermove', event => tell(event.target));
  list.addEventListener('pointerleave', () => tell(document.activeElement));
  list.addEventListener('focusin', event => {
    rove(items, Math.max(0, indexOf(event.target)));
    tell(event.target);
  });
  list.addEventListener('focusout', () => look(null, false));
  list.addEventListener('keydown', event => {
    const at = indexOf(event.target);
    const to =
      at < 0 || event.ctrlKey || event.metaKey || event.altKey
        ? null
        : step(event.key, at, items.length, true);
    if (to !== null) {
      take(event);
      items[to]?.focus();
    }
  });
  rove(items, 0);
  const taken = [
    `${place.rank} taken`,
    place.change === '' ? '' : `states moved by ${place.change} of their length`,
    place.random === '' ? '' : `random directions by ${place.random}`
  ].filter(text => text !== '');
  return h(
    'div',
    { class: 'iw-probes', 'data-iw': 'probes' },
    h('div', { class: 'iw-heading' }, `What fresh probes find at ${place.name} · share right, 0 to 100 %`),
    list,
    h('div', { class: 'iw-dim iw-taken', 'data-iw': 'taken' }, taken.join('; '))
  );
}
