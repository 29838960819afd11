import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { grouped, progressText } from '../views/progress';
import { fixtures, liveView, part, parts, running } from './fakes';

describe('waiting', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const shown = (view: { element: HTMLElement }) => part(view, 'progress').dataset.shown === 'yes';
  const words = (view: { element: HTMLElement }) =>
    part(view, 'progress-text').parentElement?.hidden === false;

  it('shows nothing under 150 ms, then the bar, and words with Cancel from 1 s', () => {
    const { view, asked } = liveView(fixtures.capital());
    view.setStatus(running({ done: 5 }));
    vi.advanceTimersByTime(149);
    expect(shown(view)).toBe(false);
    vi.advanceTimersByTime(1);
    expect(shown(view)).toBe(true);
    expect(words(view)).toBe(false);
    view.setStatus(running({ done: 31, elapsed: 0.6, remaining: 1.8 }));
    vi.advanceTimersByTime(850);
    expect(words(view)).toBe(true);
    expect(part(view, 'progress-text').textContent).toBe('deleting tokens, 31 of 50, about 2 s left');
    expect(part(view, 'progress').getAttribute('aria-valuenow')).toBe('62');
    part(view, 'cancel').click();
    expect(asked).toEqual([['cancel', null]]);
  });

  it('counts from the start of the work, also when the view comes late', () => {
    const { view } = liveView(fixtures.capital(), { status: running({ elapsed: 3 }) });
    expect(shown(view)).toBe(true);
    expect(words(view)).toBe(true);
  });

  it('shows nothing at all for quick work', () => {
    const { view } = liveView(fixtures.capital());
    view.setStatus(running());
    vi.advanceTimersByTime(100);
    view.setStatus({ state: 'idle' });
    vi.advanceTimersByTime(5000);
    expect(shown(view)).toBe(false);
    expect(words(view)).toBe(false);
  });

  it('starts anew when other work begins', () => {
    const { view } = liveView(fixtures.capital());
    view.setStatus(running({ elapsed: 2 }));
    expect(words(view)).toBe(true);
    view.setStatus({ state: 'idle' });
    view.setStatus(running({ elapsed: 0 }));
    vi.advanceTimersByTime(200);
    expect(shown(view)).toBe(true);
    expect(words(view)).toBe(false);
  });

  it('keeps the last picture in sight, and a new one keeps the bar', () => {
    const { view } = liveView(fixtures.capital());
    view.setStatus(running({ elapsed: 2 }));
    expect(parts(view, 'token')).toHaveLength(5);
    view.setPayload(fixtures.doNotTrust());
    expect(shown(view)).toBe(true);
  });

  it('says what was cancelled', () => {
    const { view } = liveView(fixtures.capital());
    view.setStatus({ state: 'cancelled', text: 'Cancelled after 12 of 50 passes.' });
    expect(part(view, 'provenance').textContent).toBe('Cancelled after 12 of 50 passes.');
    expect(view.element.dataset.status).toBe('cancelled');
    view.setStatus({ state: 'idle' });
    expect(part(view, 'provenance').textContent).toBe(fixtures.capital().provenance.join(' · '));
  });

  it('leaves no timer behind', () => {
    const { view } = liveView(fixtures.capital());
    view.setStatus(running());
    view.dispose();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('words of waiting', () => {
  it('have two or three digits and thin spaces', () => {
    expect(grouped(1234567)).toBe('1\u2009234\u2009567');
    expect(progressText(running({ text: '', total: 0 }) as never)).toBe('working');
    expect(progressText(running({ remaining: 0.2 }) as never)).toContain('under 1 s left');
    expect(progressText(running({ remaining: 300 }) as never)).toContain('about 5 min left');
  });
});

describe('an error', () => {
  const error = {
    state: 'error' as const,
    title: '“Canberra” cannot follow this prompt as written.',
    message: 'The tokenizer joins it to “is”.',
    fix: { label: 'Use it', args: { target: ' Canberra' } },
    traceback: 'Traceback: here'
  };

  it('stands in the card over the last picture, and its link does the fix', () => {
    const { view, asked } = liveView(fixtures.capital(), { status: error });
    expect(part(view, 'error').getAttribute('role')).toBe('alert');
    expect(part(view, 'error').textContent).toContain(error.title);
    expect(parts(view, 'token')).toHaveLength(5);
    part(view, 'fix').click();
    expect(asked).toEqual([['explain', { target: ' Canberra' }]]);
  });

  it('folds out the traceback and copies it', async () => {
    const writeText = vi.fn(() => Promise.resolve());
    vi.stubGlobal('navigator', { ...navigator, clipboard: { writeText } });
    const { view } = liveView(fixtures.capital(), { status: error });
    expect(part(view, 'traceback').hidden).toBe(true);
    part(view, 'traceback-toggle').click();
    expect(part(view, 'traceback').hidden).toBe(false);
    part(view, 'traceback-copy').click();
    await vi.waitFor(() => expect(part(view, 'traceback-copy').textContent).toBe('Copied'));
    expect(writeText).toHaveBeenCalledWith('Traceback: here');
    vi.unstubAllGlobals();
  });

  it('goes when it is dismissed or the next work begins', () => {
    const { view } = liveView(fixtures.capital(), { status: { ...error, traceback: '', fix: null } });
    expect(parts(view, 'traceback')).toHaveLength(0);
    part(view, 'dismiss').click();
    expect(parts(view, 'error')).toHaveLength(0);
    view.setStatus(error);
    view.setStatus(running());
    expect(parts(view, 'error')).toHaveLength(0);
  });
});
