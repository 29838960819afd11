import { describe, expect, it, vi } from 'vitest';
import { rowStep } from '../views/tokens';
import { fixtures, liveView, part, parts, press, running, staticView } from './fakes';

const at = (): string | undefined => (document.activeElement as HTMLElement).dataset.index;

describe('keys on tokens', () => {
  it('Tab enters once; arrows, Home and End move', () => {
    const view = staticView(fixtures.capital());
    const tokens = parts(view, 'token');
    expect(tokens.map(token => token.tabIndex)).toEqual([0, -1, -1, -1, -1]);
    tokens[0]!.focus();
    expect(press(tokens[0]!, 'ArrowRight').defaultPrevented).toBe(true);
    expect(at()).toBe('1');
    expect(tokens.map(token => token.tabIndex)).toEqual([-1, 0, -1, -1, -1]);
    press(tokens[1]!, 'End');
    expect(at()).toBe('4');
    press(tokens[4]!, 'ArrowRight');
    expect(at()).toBe('4');
    press(tokens[4]!, 'Home');
    expect(at()).toBe('0');
  });

  it('names the focused token in the readout', () => {
    const view = staticView(fixtures.capital());
    parts(view, 'token')[4]!.focus();
    expect(part(view, 'readout').textContent).toBe('·is−0.35log-odds');
    expect(part(view, 'readout').getAttribute('aria-live')).toBe('polite');
  });

  it('moves the other way in a right-to-left line', () => {
    const view = staticView(fixtures.hostile());
    const token = part(view, 'token', '[data-index="10"]');
    token.focus();
    press(token, 'ArrowLeft');
    expect(at()).toBe('11');
  });

  it('shrinks a range also after the kernel has said the selection back', () => {
    const { view, asked } = liveView(fixtures.capital());
    const tokens = parts(view, 'token');
    tokens[1]!.focus();
    press(tokens[1]!, 'Enter');
    press(tokens[1]!, 'ArrowRight', { shiftKey: true });
    press(tokens[2]!, 'ArrowRight', { shiftKey: true });
    view.setSelection([1, 2, 3]);
    press(tokens[3]!, 'ArrowLeft', { shiftKey: true });
    expect(asked.at(-1)).toEqual(['select', [1, 2]]);
  });

  it('keeps letters from the host, which looks at the focused element, and leaves it Ctrl and letters', () => {
    const view = staticView(fixtures.capital());
    const token = parts(view, 'token')[1]!;
    const seen: boolean[] = [];
    const host = (): unknown => seen.push(token.hasAttribute('data-lm-suppress-shortcuts'));
    document.addEventListener('keydown', host, true);
    token.focus();
    press(token, 'd');
    press(token, 's', { ctrlKey: true });
    document.removeEventListener('keydown', host, true);
    expect(seen).toEqual([true, false]);
    press(token, 'd');
    token.blur();
    expect(token.hasAttribute('data-lm-suppress-shortcuts')).toBe(false);
  });

  it('Enter selects, Shift and arrows extend, Escape clears', () => {
    const { view, asked } = liveView(fixtures.capital());
    const tokens = parts(view, 'token');
    tokens[1]!.focus();
    press(tokens[1]!, 'Enter');
    expect(asked.at(-1)).toEqual(['select', [1]]);
    press(tokens[1]!, 'ArrowRight', { shiftKey: true });
    press(tokens[2]!, 'ArrowRight', { shiftKey: true });
    expect(asked.at(-1)).toEqual(['select', [1, 2, 3]]);
    press(tokens[3]!, 'ArrowLeft', { shiftKey: true });
    expect(asked.at(-1)).toEqual(['select', [1, 2]]);
    expect(tokens.map(token => token.getAttribute('aria-selected'))).toEqual([
      'false',
      'true',
      'true',
      'false',
      'false'
    ]);
    press(tokens[2]!, 'Escape');
    expect(asked.at(-1)).toEqual(['select', []]);
  });

  it('a range without an anchor begins at the focus', () => {
    const { view, asked } = liveView(fixtures.capital());
    const tokens = parts(view, 'token');
    tokens[2]!.focus();
    press(tokens[2]!, 'ArrowRight', { shiftKey: true });
    expect(asked.at(-1)).toEqual(['select', [2, 3]]);
  });

  it('leaves keys it does not use to the host', () => {
    const view = staticView(fixtures.capital());
    const seen = vi.fn();
    document.body.addEventListener('keydown', seen);
    const token = part(view, 'token');
    press(token, 'ArrowRight');
    press(token, '?');
    expect(seen).not.toHaveBeenCalled();
    press(token, 'a');
    press(token, 'ArrowRight', { ctrlKey: true });
    press(token, 'Escape');
    press(token, 'Escape');
    expect(seen.mock.calls.map(([event]) => (event as KeyboardEvent).key)).toEqual([
      'a',
      'ArrowRight',
      'Escape'
    ]);
    document.body.removeEventListener('keydown', seen);
  });

  it('Escape cancels running work first', () => {
    const { view, asked } = liveView(fixtures.capital(), { status: running(), selection: [1] });
    press(part(view, 'token'), 'Escape');
    expect(asked).toEqual([['cancel', null]]);
  });

  it('Escape leaves when nothing is left to close', () => {
    const view = staticView(fixtures.capital());
    const token = part(view, 'token');
    token.focus();
    press(token, '?');
    expect(part(view, 'keys').hidden).toBe(false);
    press(token, 'Escape');
    expect(part(view, 'keys').hidden).toBe(true);
    expect(document.activeElement).toBe(token);
    press(token, 'Escape');
    expect(document.activeElement).toBe(document.body);
  });

  it('writes a question mark where a person is writing', () => {
    const { view } = liveView(fixtures.capital());
    part(view, 'more').click();
    expect(press(part(view, 'target'), '?').defaultPrevented).toBe(false);
    expect(part(view, 'keys').hidden).toBe(true);
  });
});

describe('rows on screen', () => {
  const place = (boxes: [left: number, top: number][]): HTMLElement[] =>
    boxes.map(([left, top]) => {
      const element = document.createElement('span');
      element.getBoundingClientRect = () => new DOMRect(left, top, 40, 20);
      return element;
    });
  const items = place([
    [0, 0],
    [40, 0],
    [80, 0],
    [0, 36],
    [40, 36],
    [0, 72]
  ]);

  it('go to the nearest token of the next line', () => {
    expect(rowStep(items, 1, true)).toBe(4);
    expect(rowStep(items, 2, true)).toBe(4);
    expect(rowStep(items, 4, true)).toBe(5);
    expect(rowStep(items, 5, false)).toBe(3);
    expect(rowStep(items, 4, false)).toBe(1);
  });

  it('end at the edges', () => {
    expect(rowStep(items, 1, false)).toBeNull();
    expect(rowStep(items, 5, true)).toBeNull();
  });
});
