import { describe, expect, it } from 'vitest';
import { fixtures, liveView, OPTIONS, part, parts, press } from './fakes';

function change(element: HTMLElement, value: string): void {
  (element as HTMLInputElement).value = value;
  element.dispatchEvent(new Event('change', { bubbles: true }));
}

describe('candidates', () => {
  it('a click explains that one instead', () => {
    const { view, asked } = liveView(fixtures.capital());
    part(view, 'candidate', '[data-id="37045"]').click();
    expect(asked).toEqual([['explain', { target: ' Perth' }]]);
  });

  it('the foil and the target trade places', () => {
    const { view, asked } = liveView(fixtures.capital());
    part(view, 'candidate', '[data-id="11809"]').click();
    expect(asked).toEqual([['explain', { target: ' Sydney', foil: ' Canberra' }]]);
  });

  it('the present target is not asked again', () => {
    const { view, asked } = liveView(fixtures.capital());
    const target = part(view, 'candidate', '[data-id="45421"]');
    target.click();
    expect(asked).toEqual([]);
    expect(target.getAttribute('aria-current')).toBe('true');
  });

  it('one may be taken as foil, and the foil let go', () => {
    const { view, asked } = liveView(fixtures.capital());
    part(view, 'foil', '[data-id="37045"]').click();
    part(view, 'foil', '[data-id="11809"]').click();
    expect(asked).toEqual([
      ['explain', { foil: ' Perth' }],
      ['explain', { foil: null }]
    ]);
  });

  it('work by keyboard: arrows move, f takes as foil', () => {
    const { view, asked } = liveView(fixtures.capital());
    const rows = parts(view, 'candidate');
    expect(rows.map(row => row.tabIndex)).toEqual([-1, 0, -1, -1, -1, -1]);
    rows[1]!.focus();
    press(rows[1]!, 'f');
    expect(asked).toEqual([]);
    press(rows[1]!, 'ArrowDown');
    expect(document.activeElement).toBe(rows[2]);
    press(rows[2]!, 'f');
    expect(asked).toEqual([['explain', { foil: ' the' }]]);
    press(rows[2]!, 'ArrowRight');
    expect(document.activeElement).toBe(part(view, 'foil', '[data-id="260"]'));
    press(document.activeElement!, 'ArrowLeft');
    press(document.activeElement!, 'End');
    expect(document.activeElement).toBe(rows[5]);
  });

  it('have names that say what a press does', () => {
    const { view } = liveView(fixtures.capital());
    expect(parts(view, 'candidate').map(row => row.getAttribute('aria-label'))[2]).toBe(
      'Explain ·the instead, probability 0.04'
    );
  });
});

describe('controls', () => {
  it('the method asks at once', () => {
    const { view, asked } = liveView(fixtures.capital());
    const method = part(view, 'method') as HTMLSelectElement;
    expect(method.selectedOptions[0]?.textContent).toBe('leave-one-out');
    change(method, 'integrated_gradients');
    expect(asked).toEqual([['explain', { method: 'integrated_gradients' }]]);
  });

  it('only settings that the method takes are offered', () => {
    const { view } = liveView(fixtures.capital());
    expect(parts(view, 'steps')).toHaveLength(0);
    const other = liveView(fixtures.doNotTrust());
    expect(parts(other.view, 'steps')).toHaveLength(1);
    expect(parts(other.view, 'baseline')).toHaveLength(1);
    expect(parts(other.view, 'quadrature')).toHaveLength(1);
  });

  it('each setting asks for itself; steps stay in range', () => {
    const { view, asked } = liveView(fixtures.doNotTrust());
    change(part(view, 'baseline'), 'mean');
    change(part(view, 'quadrature'), 'midpoint');
    change(part(view, 'steps'), '99999');
    change(part(view, 'steps'), '');
    change(part(view, 'foil-select'), ' Perth');
    change(part(view, 'target'), ' Hobart');
    expect(asked.map(([, args]) => args)).toEqual([
      { baseline: 'mean' },
      { quadrature: 'midpoint' },
      { steps: 2000 },
      { foil: ' Perth' },
      { target: ' Hobart' }
    ]);
  });

  it('a baseline may be a text of one’s own', () => {
    const { view, asked } = liveView(fixtures.doNotTrust());
    const baseline = part(view, 'baseline') as HTMLSelectElement;
    const own = part(view, 'baseline-text') as HTMLInputElement;
    expect(own.hidden).toBe(true);
    change(baseline, baseline.options[baseline.options.length - 1]!.value);
    expect(own.hidden).toBe(false);
    expect(asked).toEqual([]);
    own.value = 'Once upon a time';
    press(own, 'Enter');
    own.dispatchEvent(new Event('change', { bubbles: true }));
    expect(asked).toEqual([['explain', { baseline: 'text:Once upon a time' }]]);
  });

  it('shows a baseline text that is in use', () => {
    const payload = fixtures.doNotTrust();
    payload.settings.baseline = 'text:A mouse';
    const baselines = [...OPTIONS.baselines, { name: 'text:A mouse', label: 'text:A·mouse' }];
    const { view, asked } = liveView(payload, { options: { ...OPTIONS, baselines } });
    expect((part(view, 'baseline') as HTMLSelectElement).options).toHaveLength(3);
    expect((part(view, 'baseline-text') as HTMLInputElement).value).toBe('A mouse');
    expect(part(view, 'baseline-text').hidden).toBe(false);
    change(part(view, 'baseline'), 'zero');
    expect(asked).toEqual([['explain', { baseline: 'zero' }]]);
  });

  it('the panel opens, closes by Escape, and stays open over a new picture', () => {
    const { view } = liveView(fixtures.doNotTrust());
    const panel = () => part(view, 'settings');
    expect(panel().hidden).toBe(true);
    part(view, 'more').click();
    view.setPayload(fixtures.doNotTrust());
    expect(panel().hidden).toBe(false);
    part(view, 'steps').focus();
    press(part(view, 'steps'), 'Escape');
    expect(panel().hidden).toBe(true);
    expect(document.activeElement).toBe(part(view, 'more'));
  });

  it('follows new options', () => {
    const { view } = liveView(fixtures.capital());
    view.setOptions({ ...OPTIONS, methods: [{ name: 'leave_one_out', label: 'deleting', settings: [] }] });
    expect((part(view, 'method') as HTMLSelectElement).textContent).toBe('deleting');
  });
});

describe('selection', () => {
  it('a click selects one, shift a range, control adds', () => {
    const { view, asked } = liveView(fixtures.capital());
    const tokens = parts(view, 'token');
    tokens[1]!.click();
    tokens[3]!.dispatchEvent(new MouseEvent('click', { bubbles: true, shiftKey: true }));
    expect(asked.at(-1)).toEqual(['select', [1, 2, 3]]);
    tokens[0]!.dispatchEvent(new MouseEvent('click', { bubbles: true, ctrlKey: true }));
    expect(asked.at(-1)).toEqual(['select', [0, 1, 2, 3]]);
    tokens[4]!.click();
    expect(asked.at(-1)).toEqual(['select', [4]]);
    tokens[4]!.click();
    expect(asked.at(-1)).toEqual(['select', []]);
  });

  it('comes from Python too, and lists what is selected', () => {
    const { view, asked } = liveView(fixtures.capital(), { selection: [3] });
    expect(part(view, 'token', '[data-index="3"]').getAttribute('aria-selected')).toBe('true');
    view.setSelection([0, 1]);
    expect(part(view, 'readout').textContent).toBe('2 selected: The, ·capital');
    expect(asked).toEqual([]);
  });
});
