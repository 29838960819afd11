import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import widget from '../widgets/highlight';
import { fixtures, FakeModel, OPTIONS, part, parts, press, running } from './fakes';

function setUp(values: Record<string, unknown> = {}) {
  const model = new FakeModel({
    payload: fixtures.capital(),
    options: OPTIONS,
    status: { state: 'idle' },
    selection: [],
    ...values
  });
  const el = document.createElement('div');
  document.body.replaceChildren(el);
  const abort = new AbortController();
  const dispose = widget.render({ model, el, signal: abort.signal });
  const view = { element: el };
  const answer = (kind: string, content: object): void => {
    const message = model.sent.filter(sent => sent.kind === kind).at(-1);
    model.emit('msg:custom', { id: message?.id, ...content });
  };
  return { model, el, view, abort, dispose, answer };
}

describe('the widget', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('says hello once, with an id', () => {
    const { model } = setUp();
    expect(model.sent).toEqual([
      { id: expect.stringMatching(/^[0-9a-f]{32}$/) as string, kind: 'hello', args: {} }
    ]);
  });

  it('asks for an explanation and shows progress from the click on', () => {
    const { model, view } = setUp();
    part(view, 'candidate', '[data-id="37045"]').click();
    expect(model.sent.at(-1)).toMatchObject({ kind: 'explain', args: { target: ' Perth' } });
    vi.advanceTimersByTime(1000);
    expect(part(view, 'progress-text').textContent).toBe('waiting for the kernel');
    model.set('status', running({ done: 1, elapsed: 1.2 }));
    expect(part(view, 'progress-text').textContent).toBe('deleting tokens, 1 of 50');
    model.set('payload', fixtures.doNotTrust());
    model.set('status', { state: 'idle' });
    expect(part(view, 'verdict').textContent).toContain('do not trust');
    expect(part(view, 'progress').dataset.shown).toBe('no');
  });

  it('a new picture ends the waiting even when the status never changed', () => {
    const { model, view } = setUp();
    part(view, 'candidate', '[data-id="37045"]').click();
    model.set('payload', fixtures.capital());
    vi.advanceTimersByTime(2000);
    expect(part(view, 'progress').dataset.shown).toBe('no');
  });

  it('shows an error that comes as the answer', async () => {
    const { view, answer, model } = setUp();
    part(view, 'candidate', '[data-id="37045"]').click();
    const error = {
      title: 'No.',
      message: 'Because.',
      fix: { label: 'Do', args: { target: ' x' } },
      traceback: 'T'
    };
    answer('explain', { error });
    await vi.waitFor(() => expect(part(view, 'error').textContent).toContain('No.'));
    part(view, 'fix').click();
    expect(model.sent.at(-1)).toMatchObject({ kind: 'explain', args: { target: ' x' } });
  });

  it('ignores answers to other views', () => {
    const { model, view } = setUp();
    model.emit('msg:custom', { id: 'another', error: { title: 'x' } });
    model.emit('msg:custom', 'nonsense');
    expect(parts(view, 'error')).toHaveLength(0);
  });

  it('cancels by Escape', () => {
    const { model, view } = setUp({ status: running({ elapsed: 2 }) });
    press(part(view, 'token'), 'Escape');
    expect(model.sent.at(-1)).toMatchObject({ kind: 'cancel', args: {} });
  });

  it('sends the selection when it rests', () => {
    const { model, view } = setUp();
    parts(view, 'token')[1]!.click();
    parts(view, 'token')[3]!.dispatchEvent(new MouseEvent('click', { bubbles: true, shiftKey: true }));
    expect(model.get('selection')).toEqual([1, 2, 3]);
    expect(model.saved).toBe(0);
    vi.advanceTimersByTime(100);
    expect(model.saved).toBe(1);
  });

  it('takes the selection from Python', () => {
    const { model, view } = setUp({ selection: [0] });
    model.set('selection', [2]);
    expect(parts(view, 'token').map(token => token.getAttribute('aria-selected'))).toEqual([
      'false',
      'false',
      'true',
      'false',
      'false'
    ]);
  });

  it('two views of one model share a selection', () => {
    const { model, view } = setUp();
    const second = document.createElement('div');
    document.body.append(second);
    widget.render({ model, el: second });
    parts(view, 'token')[1]!.click();
    expect(part({ element: second }, 'token', '[data-index="1"]').getAttribute('aria-selected')).toBe('true');
  });

  it.each(['signal', 'cleanup'])('leaves nothing behind: %s', how => {
    const { model, view, abort, dispose } = setUp();
    parts(view, 'token')[1]!.click();
    part(view, 'candidate', '[data-id="37045"]').click();
    // jsdom itself waits a moment after a focus.
    vi.advanceTimersByTime(0);
    if (how === 'signal') {
      abort.abort();
    } else {
      dispose();
    }
    dispose();
    expect(model.listening).toBe(0);
    expect(model.saved).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
    expect(view.element.children).toHaveLength(0);
  });
});
