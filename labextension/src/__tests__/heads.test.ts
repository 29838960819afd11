import { describe, expect, it } from 'vitest';
import heads from './fixtures/heads.json';
import { HeadsView } from '../views/heads';
import { readPayload, shareText } from '../views/heads/payload';
import { csv, svg } from '../views/heads/save';
import widget from '../widgets/heads';
import { FakeModel, onPage, part, parts, press } from './fakes';
import type { HeadsPayload, Options } from '../views/heads';

const fixture = (): HeadsPayload => structuredClone(heads) as unknown as HeadsPayload;
const mounted = onPage<HeadsView, Options>(HeadsView, { live: true });
const still = (payload: unknown = fixture()) => mounted.still(payload);

type View = { element: HTMLElement };
const at = (view: View, hook: string, row: number, column: number): HTMLElement =>
  part(view, hook, `[data-row="${row}"][data-index="${column}"]`);
const text = (view: View, hook: string): string => part(view, hook).textContent ?? '';

describe('the heads', () => {
  it('asks about the head that matters most, and shows where it looks', () => {
    const view = still();
    expect(text(view, 'title')).toBe('What does head 1 of layer 3 look at, and does it matter?');
    expect(text(view, 'verdict')).toContain('▲ caution');
    expect(parts(view, 'cell')).toHaveLength(6);
    expect(at(view, 'cell', 1, 1).textContent).toBe('+1.79');
    expect(text(view, 'readout')).toContain('head 1, layer 3:0.36 → 0.06probability of ·Sydney');
    expect(text(view, 'readout')).toContain('first choice then: ·Canberra 0.41');
    expect(text(view, 'pattern-title')).toContain('head 1, layer 3');
    expect(text(view, 'look')).toBe('·isattends0.92to·Australia');
  });

  it('reads the cell that is pointed at or has the focus', () => {
    const view = still();
    at(view, 'cell', 0, 1).focus();
    expect(text(view, 'readout')).toContain('0.36 → 0.40');
    expect(text(view, 'readout')).toContain('·Sydney, as before');
    at(view, 'weight', 4, 0).focus();
    expect(text(view, 'look')).toBe('·isattends0.09toThe');
    at(view, 'weight', 0, 3).focus();
    expect(text(view, 'look')).toContain('cannot see');
    expect(at(view, 'weight', 0, 3).getAttribute('aria-label')).toContain('comes later');
  });

  it('walks by keys and chooses a head; Escape lets go of it', () => {
    const view = still();
    const first = at(view, 'cell', 1, 1);
    expect(first.tabIndex).toBe(0);
    first.focus();
    press(first, 'ArrowUp');
    expect(document.activeElement).toBe(at(view, 'cell', 0, 1));
    press(document.activeElement as Element, 'End');
    expect(document.activeElement).toBe(at(view, 'cell', 0, 2));
    press(document.activeElement as Element, 'Enter');
    expect(text(view, 'title')).toContain('head 0 of layer 4');
    expect(text(view, 'pattern-title')).toContain('head 0, layer 4');
    expect(at(view, 'cell', 0, 2).getAttribute('aria-selected')).toBe('true');
    press(document.activeElement as Element, 'Escape');
    expect(text(view, 'title')).toContain('head 1 of layer 3');
    press(view.element, '?');
    expect(view.element.textContent).toContain('choose the head');
  });

  it('says where a pattern is that the picture does not bring', () => {
    const payload = fixture();
    payload.patterns = payload.patterns.slice(0, 1);
    const view = still(payload);
    at(view, 'cell', 0, 0).click();
    expect(text(view, 'no-pattern')).toContain('result.pattern(layer, head)');
    const { view: awake } = mounted.live(payload);
    at(awake, 'cell', 0, 0).click();
    expect(text(awake, 'no-pattern')).toContain('The kernel is asked');
    awake.setPattern({ layer: 2, head: 0, keys: [0, 1], lines: [[1000], [250, 750]] });
    expect(at(awake, 'weight', 1, 1).textContent).toBe('0.75');
  });

  it('has a twin as tables, and files', () => {
    const view = still();
    part(view, 'table-toggle').click();
    const [losses, looks] = parts(view, 'table');
    expect(losses?.textContent).toContain('head 1+0.18+1.79+0.03');
    expect(looks?.textContent).toContain('·is0.090.000.000.920.00');
    const rows = csv(fixture()).trim().split(/\r?\n/);
    expect(rows[0]).toContain('layer,head,loss,unit,without,first_choice');
    expect(rows).toHaveLength(7);
    expect(rows.find(row => row.startsWith('3,1,'))).toContain('·Canberra 0.41');
    const drawn = svg(fixture(), fixture().patterns[0] ?? null).text;
    expect(drawn).toContain('What does head 1 of layer 3');
    expect(drawn).toContain('·Australia');
    expect(new DOMParser().parseFromString(drawn, 'image/svg+xml').querySelector('parsererror')).toBeNull();
  });

  it('draws patterns alone where no head was switched off', () => {
    const payload = fixture();
    payload.measured = false;
    payload.values = payload.values.map(line => line.map(() => null));
    payload.stand_in = '';
    const view = still(payload);
    expect(text(view, 'title')).toBe('What does head 1 of layer 3 look at?');
    expect(text(view, 'legend')).toBe('No head was switched off.');
    expect(text(view, 'readout')).toContain('was not switched off');
    part(view, 'table-toggle').click();
    expect(parts(view, 'table').map(table => table.querySelector('caption')?.textContent)).toEqual([
      'Attention of head 1 of layer 3: each row is what a token looks at.'
    ]);
  });

  it('writes hundredths as Python does', () => {
    expect([0, 4, 5, 85, 614, 615, 995, 1000].map(shareText)).toEqual([
      '0.00', '0.00', '0.01', '0.09', '0.61', '0.62', '1.00', '1.00'
    ]); // prettier-ignore
  });

  it('says what is wrong with data that it cannot draw', () => {
    expect(readPayload({})).toContain('was closed');
    expect(readPayload({ ...fixture(), version: 2 })).toContain('format version 2');
    for (const [name, value] of [
      ['values', [[1]]],
      ['patterns', [{ layer: 1 }]],
      ['before', null],
      ['queries', ['x']],
      ['verdict', {}]
    ] as const) {
      expect(readPayload({ ...fixture(), [name]: value })).toContain('damaged');
    }
    expect(text(still({ ...fixture(), rows: 3 }), 'unreadable')).toContain('damaged');
  });
});

describe('the live heads', () => {
  it('asks for the other stand-in', () => {
    const { view, asked } = mounted.live(fixture());
    const choice = part(view, 'ablation') as HTMLSelectElement;
    expect(choice.value).toBe('zero');
    choice.value = 'mean';
    choice.dispatchEvent(new Event('change'));
    expect(asked).toEqual([['explain', { ablation: 'mean' }]]);
  });

  it('sleeps without its model', () => {
    const { view } = mounted.live(fixture(), { options: { live: false } });
    expect(text(view, 'gone')).toContain('no longer in memory');
    expect(text(view, 'method')).toBe('heads set to zero');
  });

  it('marks the selected tokens in the pattern', () => {
    const { view } = mounted.live(fixture(), { selection: [3] });
    const marked = view.element.querySelectorAll('.iw-heat-head.iw-selected');
    expect([...marked].map(found => found.textContent)).toEqual(['·Australia']);
  });

  it('keeps the chosen head in step with the kernel, and lets go in the end', () => {
    const model = new FakeModel({
      payload: fixture(),
      options: { live: true },
      status: { state: 'idle' },
      selection: [],
      place: [],
      pattern: {}
    });
    const el = document.createElement('div');
    document.body.replaceChildren(el);
    const end = widget.render({ model, el } as never);
    const view = { element: el };
    at(view, 'cell', 0, 2).click();
    expect(model.get('place')).toEqual(['', 0, 4]);
    model.set('place', ['', 1, 2]);
    expect(text(view, 'title')).toContain('head 1 of layer 2');
    model.set('pattern', { layer: 2, head: 1, keys: [0], lines: [[1000], [990]] });
    expect(model.listening).toBeGreaterThan(0);
    end();
    expect(model.listening).toBe(0);
  });
});
