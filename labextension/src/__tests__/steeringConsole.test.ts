import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { drafted } from '../views/steering/payload';
import widget from '../widgets/steering';
import { FakeModel, part, parts, press, running } from './fakes';
import { OPTIONS, live, move, payload, slider, step, texts } from './steeringFakes';
import type { SteeringPayload } from '../views/steering';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the console at work', () => {
  it('asks once when a slider rests, with all settings', () => {
    const { view, asked } = live();
    move(slider(view), '0.05');
    move(slider(view), '0.09');
    expect(parts(view, 'strength')[0]!.textContent).toBe('+0.090');
    expect(asked).toEqual([]);
    vi.advanceTimersByTime(60);
    expect(asked).toEqual([
      ['explain', { ...payload().settings, strengths: { sentiment: 0.09, formality: 0 } }]
    ]);
    press(slider(view), '0');
    vi.advanceTimersByTime(60);
    expect(asked.at(-1)).toEqual([
      'explain',
      { ...payload().settings, strengths: { sentiment: 0, formality: 0 } }
    ]);
    expect(slider(view).getAttribute('aria-valuetext')).toContain('not steered');
  });

  it('keeps a slider where the hand left it until the newest answer', () => {
    const { view } = live();
    move(slider(view), '0.05');
    vi.advanceTimersByTime(60);
    move(slider(view), '0.09');
    vi.advanceTimersByTime(60);
    const older = payload();
    older.settings.strengths = { sentiment: 0.05, formality: 0 };
    view.setPayload(older);
    expect(slider(view).value).toBe('0.09');
    const newest = payload();
    newest.settings.strengths = { formality: 0, sentiment: 0.09 };
    view.setPayload(newest);
    const code = payload();
    code.settings.strengths = { sentiment: -0.05, formality: 0 };
    view.setPayload(code);
    expect(slider(view).value).toBe('-0.05');
  });

  it('gives up a question that nobody answers', () => {
    const { view } = live();
    move(slider(view), '0.05');
    vi.advanceTimersByTime(60);
    view.setPayload(payload());
    view.setStatus({ state: 'idle' });
    expect(slider(view).value).toBe('0.05');
    vi.advanceTimersByTime(1100);
    expect(slider(view).value).toBe('0.075');
  });

  it('goes past the bounds by an act of its own, and says the damage', () => {
    const { view, asked } = live();
    const past = (): HTMLElement => part(view, 'past');
    expect([slider(view).min, slider(view).max]).toEqual(['-0.1', '0.1']);
    past().click();
    expect(past().getAttribute('aria-checked')).toBe('true');
    expect([slider(view).min, slider(view).max]).toEqual(['-0.4', '0.4']);
    move(slider(view), '0.4');
    expect(part(view, 'damage').textContent).toContain('at +0.40 made neutral text 9.00 times as perplexing');
    expect(parts(view, 'strength')[0]!.classList.contains('iw-warn')).toBe(true);
    vi.advanceTimersByTime(60);
    expect(asked.at(-1)).toEqual([
      'explain',
      { ...payload().settings, past: true, strengths: { sentiment: 0.4, formality: 0 } }
    ]);
    past().click();
    vi.advanceTimersByTime(60);
    expect(asked.at(-1)).toEqual([
      'explain',
      { ...payload().settings, past: false, strengths: { sentiment: 0.1, formality: 0 } }
    ]);
    expect(part(view, 'damage').hidden).toBe(true);
  });

  it('shows a text while it is written, beside what was there, and keeps the hand on its slider', () => {
    const { view } = live();
    slider(view).focus();
    view.setStatus(running());
    view.step(step(1, [' so']));
    expect(texts(view)).toEqual([' long and I went home.', ' so']);
    view.step(step(1, [' so', ' far']));
    view.step(step(0, [' not']));
    expect(texts(view)).toEqual([' not', ' so far']);
    expect(parts(view, 'change')).toHaveLength(payload().gauges.length);
    expect(document.activeElement).toBe(slider(view));
    view.step({ kind: 'steering-step', side: 2 });
    const after = payload();
    after.gauges = [];
    view.setPayload(after);
    expect(texts(view)[1]).toBe(' wonderful and we danced');
    expect(parts(view, 'change')).toHaveLength(0);
    expect(document.activeElement).toBe(slider(view));
  });

  it('goes back to the last result after Cancel, with its settings', () => {
    const { view } = live();
    move(slider(view), '0.05');
    vi.advanceTimersByTime(60);
    view.setStatus(running());
    view.step(step(1, [' so']));
    view.setStatus({ state: 'cancelled', text: 'cancelled after 0.3 s' });
    expect(texts(view)[1]).toBe(' wonderful and we danced');
    expect(slider(view).value).toBe('0.075');
  });

  it('keeps what was set after an error, to be mended', () => {
    const { view } = live();
    move(slider(view), '0.05');
    vi.advanceTimersByTime(60);
    view.step(step(1, [' so']));
    view.setStatus({ state: 'error', title: 'No.', message: 'because', fix: null, traceback: '' });
    expect(part(view, 'error').textContent).toContain('No.');
    expect(texts(view)[1]).toBe(' wonderful and we danced');
    expect(slider(view).value).toBe('0.05');
  });

  it('asks for another prompt on Enter, and writes again by its button', () => {
    const { view, asked } = live();
    const prompt = part(view, 'prompt') as HTMLTextAreaElement;
    prompt.value = 'Once';
    expect(press(prompt, 'Enter', { shiftKey: true }).defaultPrevented).toBe(false);
    press(prompt, 'Enter');
    expect(asked.at(-1)).toEqual(['explain', { ...payload().settings, prompt: 'Once' }]);
    part(view, 'write').click();
    expect(asked.at(-1)).toEqual(['explain', payload().settings]);
  });

  it('has settings behind the dots', () => {
    const { view, asked } = live();
    part(view, 'more').click();
    const choose = (hook: string, value: string): void => {
      const field = part(view, hook) as HTMLSelectElement;
      field.value = value;
      field.dispatchEvent(new Event('change'));
      vi.advanceTimersByTime(60);
    };
    choose('layers', 'range');
    choose('layer-to', '20');
    expect((asked.at(-1)![1] as SteeringPayload['settings']).layers).toEqual([15, 20, 1]);
    choose('positions', 'generated');
    choose('temperature', '0.7');
    choose('seed', '3');
    choose('length', '999');
    (part(view, 'keep-norm') as HTMLInputElement).click();
    vi.advanceTimersByTime(60);
    expect(asked.at(-1)).toEqual([
      'explain',
      {
        ...payload().settings,
        layers: [15, 20, 1],
        positions: 'generated',
        temperature: 0.7,
        seed: 3,
        max_new_tokens: 256,
        keep_norm: true
      }
    ]);
  });

  it('loads settings from a file', async () => {
    vi.useRealTimers();
    const { view, asked } = live();
    const file = part(view, 'load-file') as HTMLInputElement;
    Object.defineProperty(file, 'files', { value: [{ text: async () => '{"version": 1}' }] });
    file.dispatchEvent(new Event('change'));
    await new Promise(resolve => setTimeout(resolve, 0));
    expect(asked).toEqual([['explain', { preset: { version: 1 } }]]);
  });

  it('asks for the grid of the vector that colours', () => {
    const { view, asked } = live({}, { ...payload(), grid: null });
    expect(part(view, 'grid-part').textContent).toContain('42 texts over layers and strengths, about 6 s');
    part(view, 'fill').click();
    expect(asked).toEqual([['explain', { grid: { vector: 'sentiment' } }]]);
    view.setPayload(payload());
    expect(parts(view, 'cell')).toHaveLength(9);
  });

  it('sleeps without its model', () => {
    const { view } = live({ options: { ...OPTIONS, live: false } });
    expect(part(view, 'gone').textContent).toContain('no longer in memory');
    expect(slider(view).disabled).toBe(true);
    expect(part(view, 'fill').hidden).toBe(true);
    expect(part(view, 'prompt').tagName).toBe('DIV');
  });

  it('lists its keys, also from a slider', () => {
    const { view } = live();
    press(slider(view), '?');
    expect(part(view, 'keys').hidden).toBe(false);
    press(slider(view), 'Escape');
    expect(part(view, 'keys').hidden).toBe(true);
  });

  it('puts a growing text in place of one side', () => {
    const next = drafted(payload(), step(0, [' a']) as never);
    expect(next.texts.map(side => [side.start, side.end])).toEqual([
      [0, 1],
      [1, 5]
    ]);
    expect(next.draft).toBe(true);
  });
});

describe('the console as a widget', () => {
  it('takes texts from messages and pictures from its model', () => {
    const model = new FakeModel({
      payload: payload(),
      options: OPTIONS,
      status: { state: 'idle' },
      selection: []
    });
    const el = document.createElement('div');
    document.body.replaceChildren(el);
    const end = widget.render({ model, el });
    expect(model.sent.map(({ kind }) => kind)).toEqual(['hello']);
    model.emit('msg:custom', step(1, [' so']));
    expect(part({ element: el }, 'steered-text').textContent).toBe(' so');
    move(slider({ element: el }), '0.02');
    vi.advanceTimersByTime(60);
    expect(model.sent.at(-1)).toMatchObject({ kind: 'explain', args: { strengths: { sentiment: 0.02 } } });
    end();
    expect(model.listening).toBe(0);
  });
});
