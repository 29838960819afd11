import { describe, expect, it } from 'vitest';
import bare from './fixtures/erasure-bare.json';
import erasure from './fixtures/erasure.json';
import { ErasureView, readOptions } from '../views/erasure';
import { csv, pointsCsv, svg } from '../views/erasure/save';
import { PLANES } from '../views/erasure/planes';
import widget from '../widgets/erasure';
import { FakeModel, onPage, part, parts, press } from './fakes';
import type { ErasurePayload, Live, Options } from '../views/erasure';

const fixture = (): ErasurePayload => structuredClone(erasure) as unknown as ErasurePayload;
const array = (): ErasurePayload => structuredClone(bare) as unknown as ErasurePayload;
const OPTIONS: Options = { live: true, state: 'on', note: '' };
const mounted = onPage(ErasureView, OPTIONS);
const still = (payload: unknown = fixture()) => mounted.still(payload);
const live = (options: Partial<Options> = {}, changes: Partial<Live> = {}) =>
  mounted.live(fixture(), { options: { ...OPTIONS, ...options }, ...changes });
const texts = (view: { element: HTMLElement }, hook: string): string[] =>
  parts(view, hook).map(one => one.textContent);
const readout = (view: { element: HTMLElement }): string => part(view, 'readout').textContent;

describe('an erasure', () => {
  it('asks, answers, and shows points, probes, rounds and damage', () => {
    const view = still();
    expect(part(view, 'title').textContent).toBe('Is grammatical gender gone?');
    expect(part(view, 'verdict').textContent).toContain('▲ caution');
    expect(parts(view, 'point')).toHaveLength(2 * fixture().boxes.length);
    expect(texts(view, 'bar')).toEqual([
      'linear probebefore98.0 %',
      'linear probeafter51.0 %',
      'linear proberandom95.0 %',
      'MLP probebefore97.0 %',
      'MLP probeafter61.0 %',
      'control taskbefore62.0 %',
      'control taskafter60.0 %'
    ]);
    expect(part(view, 'baseline').textContent).toBe('always one class50.0 %');
    expect(parts(view, 'whisker')).toHaveLength(5); // the control task has no interval
    expect(parts(view, 'round')).toHaveLength(6);
    expect(parts(view, 'round').at(-1)!.getAttribute('aria-label')).toBe(
      'LEACE, one step: 1 taken, a fresh linear probe is right in 51.0 % (47.0 to 55.0 %)'
    );
    expect(texts(view, 'damage-row')[0]).toBe('perplexity of neutral text35.435.936.8');
    expect(texts(view, 'damage-row').at(-1)).toBe('size of the change at layer 16 resid_post–2.1 %3.4 %');
  });

  it('puts the classes apart before and together after on the concept’s axis', () => {
    const view = still();
    const gap = (side: string): number => {
      const left = (kind: number): number => {
        const found = [...part(view, side).querySelectorAll<HTMLElement>(`.iw-k${kind}`)];
        return found.reduce((sum, one) => sum + Number.parseFloat(one.style.left), 0) / found.length;
      };
      return Math.abs(left(0) - left(1));
    };
    expect(gap('before')).toBeGreaterThan(40);
    expect(gap('after')).toBeLessThan(5);
  });

  it('is read point by point with the arrow keys, and the other picture lights the same point', () => {
    const view = still();
    const cloud = part(view, 'before');
    expect(cloud.querySelectorAll('[tabindex="0"]')).toHaveLength(1);
    const first = cloud.querySelector<HTMLElement>('[tabindex="0"]')!;
    first.focus();
    const index = first.dataset.index!;
    const point = fixture().boxes[Number(index)]!;
    expect(readout(view)).toContain(`${point.labels[0]} → ${point.labels[1]}`);
    expect(readout(view)).toContain(point.text);
    expect(part(view, 'after').querySelector<HTMLElement>('.iw-lit')!.dataset.index).toBe(index);
    press(first, 'ArrowRight');
    const next = document.activeElement as HTMLElement;
    expect(Number.parseFloat(next.style.left)).toBeGreaterThanOrEqual(Number.parseFloat(first.style.left));
    expect(next).not.toBe(first);
    press(next, 'End');
    const lefts = [...cloud.querySelectorAll<HTMLElement>('.iw-point')].map(one =>
      Number.parseFloat(one.style.left)
    );
    expect(Number.parseFloat((document.activeElement as HTMLElement).style.left)).toBe(Math.max(...lefts));
    press(document.activeElement!, '?');
    expect(part(view, 'keys').hidden).toBe(false);
  });

  it('chooses points in both pictures, and tells the kernel', () => {
    const { view, asked } = live();
    part(view, 'point', '[data-index="3"][data-row="0"]').click();
    expect(asked).toEqual([['select', [3]]]);
    expect(view.element.querySelectorAll('.iw-point[aria-selected="true"]')).toHaveLength(2);
    part(view, 'tab', '[data-key="principal"]').click();
    expect(part(view, 'legend').textContent).toContain(
      'Across: first principal axis (31.0 % of the variance)'
    );
    expect(view.element.querySelectorAll('.iw-point[aria-selected="true"]')).toHaveLength(2);
  });

  it('shows the probes of the place that is chosen', () => {
    const view = still();
    expect(part(view, 'place', '[aria-selected="true"]').dataset.index).toBe('2');
    part(view, 'place', '[data-index="2"]').focus();
    press(document.activeElement!, 'Home');
    expect(readout(view)).toContain('layer 8 resid_post');
    press(document.activeElement!, 'Enter');
    expect(texts(view, 'bar')[0]).toBe('linear probebefore96.0 %');
    expect(part(view, 'place', '[aria-selected="true"]').dataset.index).toBe('0');
    expect(document.activeElement).toBe(part(view, 'place', '[data-index="0"]'));
  });

  it('reads a bar with its interval, and says what chance is', () => {
    const view = still();
    const after = parts(view, 'bar')[1]!;
    after.focus();
    expect(readout(view)).toContain('95 % interval 47.0 to 55.0 %; always one class 50.0 %: at chance');
    press(after, 'End');
    expect(document.activeElement).toBe(part(view, 'baseline'));
    expect(readout(view)).toContain('the share of the commonest class');
    press(document.activeElement!, 'ArrowUp');
    expect(readout(view)).toContain('right about a random label for each word');
    (document.activeElement as HTMLElement).blur();
    expect(readout(view)).toContain('Point at a state');
  });

  it('has a table with every number', () => {
    const view = still();
    part(view, 'table-toggle').click();
    expect(part(view, 'probes-table').querySelectorAll('tbody tr')).toHaveLength(3 * 7 + 1);
    expect(part(view, 'points-table').querySelectorAll('tbody tr')).toHaveLength(fixture().boxes.length);
    expect(part(view, 'rounds-table').textContent).toContain('LEACEone step151.0 %');
    expect(part(view, 'damage-table').textContent).toContain('77.5 % (63.0 to 88.0 %)');
    expect(view.element.querySelector('.iw-point')).toBeNull();
  });

  it('has one place, three classes and no rounds of another method for an array', () => {
    const { view } = mounted.live(array(), { options: { live: false, state: 'none', note: '' } });
    expect(parts(view, 'place')).toHaveLength(0);
    expect(parts(view, 'round')).toHaveLength(2);
    expect(view.element.querySelectorAll('.iw-key')).toHaveLength(3);
    expect(view.element.querySelector('[data-iw="gone"], [data-iw="toggle"]')).toBeNull();
    expect(view.element.classList.contains('iw-muted')).toBe(true);
  });

  it('says what it cannot read', () => {
    const broken = { ...fixture(), places: [] };
    expect(part(still(broken), 'unreadable').textContent).toContain('damaged');
    expect(part(still({ ...fixture(), version: 2 }), 'unreadable').textContent).toContain('version 2');
  });
});

describe('the eraser’s switch', () => {
  it('asks for on and off', () => {
    const { view, asked } = live();
    part(view, 'toggle').click();
    expect(asked).toEqual([['explain', { toggle: { on: false } }]]);
    view.setOptions({ live: true, state: 'off', note: 'Other.' });
    expect(part(view, 'state').textContent).toContain('Off: the model works as without the eraser');
    expect(part(view, 'state').textContent).toContain('Other.');
    part(view, 'toggle').click();
    expect(asked[1]).toEqual(['explain', { toggle: { on: true } }]);
  });

  it('puts the eraser back into the ledger', () => {
    const { view, asked } = live({ state: 'out' });
    part(view, 'apply').click();
    expect(asked).toEqual([['explain', { apply: true }]]);
  });

  it('says what is gone', () => {
    const { view } = live({ state: 'gone' });
    expect(part(view, 'state').textContent).toContain('no longer in memory');
    view.setOptions({ live: false, state: 'gone', note: '' });
    expect(part(view, 'gone').textContent).toContain('The model is no longer in memory');
  });

  it('is there in the widget', () => {
    const model = new FakeModel({
      payload: fixture(),
      options: OPTIONS,
      status: { state: 'idle' },
      selection: []
    });
    const el = document.createElement('div');
    document.body.replaceChildren(el);
    const dispose = widget.render({ model, el } as never);
    el.querySelector<HTMLElement>('[data-iw="toggle"]')!.click();
    expect(model.sent.at(-1)).toMatchObject({ kind: 'explain', args: { toggle: { on: false } } });
    dispose();
    expect(el.children).toHaveLength(0);
    expect(readOptions(null).state).toBe('gone');
  });
});

describe('files of an erasure', () => {
  it('have every probe, round and point', () => {
    const lines = csv(fixture()).trim().split('\r\n');
    expect(lines).toHaveLength(1 + 3 * 7 + 1 + 5);
    expect(lines[1]).toBe('probe,"layer 8 resid_post","linear probe",before,0.96,0.94,0.98');
    const points = pointsCsv(fixture()).trim().split('\r\n');
    expect(points).toHaveLength(1 + fixture().boxes.length);
    expect(points[1]!.split(',')[0]).toBe(`"${fixture().boxes[0]!.name}"`);
  });

  it('have a picture that is well-formed', () => {
    for (const payload of [fixture(), array()]) {
      const drawing = svg(payload, PLANES[0]!, payload.places[0]!);
      const page = new DOMParser().parseFromString(drawing.text, 'image/svg+xml');
      expect(page.querySelector('parsererror')).toBeNull();
      expect(page.querySelectorAll('circle, rect').length).toBeGreaterThan(2 * payload.boxes.length);
      expect(page.documentElement.textContent).toContain(payload.provenance.at(-1)!.slice(0, 20));
    }
  });
});
