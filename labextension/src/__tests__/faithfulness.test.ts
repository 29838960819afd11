import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import fixture from './fixtures/faithfulness.json';
import { FaithfulnessView, readOptions, readPlace } from '../views/faithfulness';
import { REST } from '../views/faithfulness/card';
import { answer, counted, told, whole } from '../views/faithfulness/change';
import { csv, svg } from '../views/faithfulness/save';
import widget from '../widgets/faithfulness';
import { FakeModel, onPage, part, parts, press, running } from './fakes';
import type { FaithfulnessPayload, Options } from '../views/faithfulness';

const made = (): FaithfulnessPayload => structuredClone(fixture) as unknown as FaithfulnessPayload;
const mounted = onPage<FaithfulnessView, Options>(FaithfulnessView, { live: true });
const still = (payload: unknown = made()) => mounted.still(payload);
const live = (payload: unknown = made()) => mounted.live(payload);
const texts = (view: { element: HTMLElement }, hook: string): string[] =>
  parts(view, hook).map(one => one.textContent);
const sentence = (view: { element: HTMLElement }, at: number): HTMLElement =>
  part(view, 'sentence', `[data-index="${at}"]`);
const now = (view: { element: HTMLElement }): string => part(view, 'now').textContent;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a reasoning', () => {
  it('has the question, the verdict first, and sentences with number, bar and word', () => {
    const view = still();
    expect(part(view, 'title').textContent).toBe('Does the answer follow from the reasoning?');
    expect(part(view, 'verdict').textContent).toContain('▲ caution');
    expect(texts(view, 'sentence')[2]).toBe('+0.70Two are broken, so 18 less 2 is 16.necessary');
    expect(sentence(view, 2).querySelector<HTMLElement>('.iw-bar')!.style.getPropertyValue('--w')).toBe(
      '70.00%'
    );
    expect(sentence(view, 3).getAttribute('aria-label')).toContain('necessity +0.25, says B');
    expect(now(view)).toBe('Answer after the whole reasoning: B 0.85');
    expect(texts(view, 'answer')[1]).toBe('(B) 16 right0.85→0.85');
    expect(part(view, 'failures').textContent).toContain('no reasoning');
  });

  it('is cut by keys, and the answer moves', () => {
    const view = still();
    const cut = part(view, 'cut');
    expect(cut.getAttribute('aria-valuetext')).toBe('all 4 sentences are read');
    press(cut, 'ArrowUp');
    press(cut, 'ArrowUp');
    expect(cut.getAttribute('aria-valuenow')).toBe('2');
    expect(now(view)).toBe('Answer after 2 of 4 sentences: A 0.80');
    expect(part(view, 'answer', '[data-first]').textContent).toContain('(A) 18');
    expect(sentence(view, 2).classList.contains('iw-gone')).toBe(true);
    expect(sentence(view, 2).getAttribute('aria-label')).toContain('cut off');
    expect(part(view, 'here').hidden).toBe(false);
    press(cut, 'Home');
    expect(now(view)).toBe('Answer after no sentence: A 0.50');
    press(cut, 'End');
    expect(now(view)).toContain('the whole reasoning');
    expect(part(view, 'here').hidden).toBe(true);
  });

  it('is cut by dragging', () => {
    const view = still();
    parts(view, 'sentence').forEach((row, at) => {
      row.getBoundingClientRect = () => ({ top: at * 20, bottom: at * 20 + 20 }) as DOMRect;
    });
    const cut = part(view, 'cut');
    cut.dispatchEvent(new MouseEvent('pointermove', { clientY: 5, bubbles: true }));
    expect(cut.getAttribute('aria-valuenow')).toBe('4'); // not held
    cut.dispatchEvent(new MouseEvent('pointerdown', { clientY: 80, bubbles: true }));
    cut.dispatchEvent(new MouseEvent('pointermove', { clientY: 35, bubbles: true }));
    expect(cut.getAttribute('aria-valuenow')).toBe('2');
    cut.dispatchEvent(new MouseEvent('pointerup', { bubbles: true }));
    cut.dispatchEvent(new MouseEvent('pointermove', { clientY: 5, bubbles: true }));
    expect(now(view)).toBe('Answer after 2 of 4 sentences: A 0.80');
  });

  it('loses a sentence, and says what is not in a saved output', () => {
    const view = still();
    sentence(view, 2).click();
    expect(part(view, 'readout').textContent).toContain('without it A 0.75, with it B 0.85');
    expect(part(view, 'readout').textContent).toContain('adds +2.50 log-odds');
    press(sentence(view, 2), 'x');
    expect(now(view)).toBe('Answer after the whole reasoning, without sentence 3: A 0.75');
    expect(part(view, 'strike').textContent).toBe('Put back');
    press(sentence(view, 2), 'ArrowUp');
    press(sentence(view, 1), 'x');
    expect(now(view)).toContain('without sentences 2 and 3: not in this output');
    expect(texts(view, 'answer')[0]).toBe('(A) 180.10→?');
    expect(part(view, 'ask').hidden).toBe(true);
    expect(part(view, 'rewrite').hidden).toBe(true);
    part(view, 'reset').click();
    expect(now(view)).toContain('the whole reasoning: B 0.85');
  });

  it('is entered once by Tab and walked by arrows', () => {
    const view = still();
    const stops = [...part(view, 'sentences').querySelectorAll('[tabindex="0"]')];
    expect(stops).toHaveLength(1);
    sentence(view, 0).focus();
    press(document.activeElement!, 'End');
    expect(document.activeElement).toBe(sentence(view, 3));
    expect(sentence(view, 3).getAttribute('aria-selected')).toBe('true');
    expect(part(view, 'which').textContent).toBe('Sentence 4:');
    press(document.activeElement!, '?');
    expect(part(view, 'keys').hidden).toBe(false);
  });

  it('shows another question, also one that was not tested', () => {
    const view = still();
    press(sentence(view, 0), 'p');
    expect(part(view, 'asked').textContent).toContain('planet');
    expect(part(view, 'trouble').textContent).toContain('wrote no reasoning');
    expect(parts(view, 'sentence')).toHaveLength(0);
    expect(texts(view, 'answer').at(-1)).toBe('names no option0.50→0.50');
    expect(part(view, 'asked-cue').textContent).toContain('followed, said: “You suggested it.”');
    const select = part(view, 'question') as HTMLSelectElement;
    select.value = '1';
    select.dispatchEvent(new Event('change'));
    expect(parts(view, 'sentence')).toHaveLength(4);
  });

  it('has curves that are read by keys, and cues', () => {
    const view = still();
    const spot = parts(view, 'spot')[0]!;
    spot.focus();
    expect(part(view, 'readout').textContent).toContain('early answering');
    press(spot, 'ArrowRight');
    expect(document.activeElement).toBe(parts(view, 'spot')[1]);
    press(document.activeElement!, 'ArrowDown');
    expect(part(view, 'readout').textContent).toContain('adding mistakes');
    expect(texts(view, 'area')[0]).toContain('●early answering');
    expect(part(view, 'cue').textContent).toContain('2 of 2');
    expect(part(view, 'cue').textContent).toContain('1 of 2');
  });

  it('has tables with the same numbers', () => {
    const view = still();
    part(view, 'table-toggle').click();
    expect(part(view, 'sentences-table').textContent).toContain('+0.70necessaryA 0.75A 0.80');
    expect(part(view, 'options-table').textContent).toContain('(B) 16right0.300.85');
    expect(part(view, 'changes-table').textContent).toContain('Three packs hold 11 eggs.C 0.40');
    expect(part(view, 'curves-table').textContent).toContain('early answering0 %');
    expect(parts(view, 'summary-table')).toHaveLength(made().tables.length);
  });

  it('keeps strangers’ text as text', () => {
    const payload = made();
    const bad = '<img src=x>';
    const question = payload.questions[1]!;
    question.question = question.name = question.sentences[0]!.text = bad;
    question.options[0]!.text = question.cues[0]!.name = payload.tables[0]!.heading = bad;
    const view = still(payload);
    expect(view.element.querySelectorAll('img, script')).toHaveLength(0);
    part(view, 'table-toggle').click();
    expect(view.element.querySelectorAll('img, script')).toHaveLength(0);
    expect(svg(payload, 1).text).not.toContain('<img');
  });

  it.each([
    [null, 'no card'],
    [{}, 'was closed'],
    [{ version: 2 }, 'format version 2'],
    [{ ...fixture, questions: [{}] }, 'damaged'],
    [{ ...fixture, questions: [{ ...fixture.questions[1], cuts: [] }] }, 'damaged'],
    [{ ...fixture, curves: [{}] }, 'damaged']
  ])('says in words what it cannot draw', (payload, words) => {
    expect(part(still(payload), 'unreadable').textContent).toContain(words);
  });

  it('is drawn without any question', () => {
    const view = still({ ...made(), questions: [], start: 0 });
    expect(parts(view, 'part')).toHaveLength(0);
    expect(part(view, 'curve')).toBeTruthy();
  });
});

describe('with a kernel', () => {
  it('asks once a change rests, and shows what comes', () => {
    const { view, asked } = live();
    press(sentence(view, 0), 'x');
    press(sentence(view, 1), 'x');
    expect(now(view)).toContain('not asked yet');
    vi.advanceTimersByTime(REST - 1);
    expect(asked).toEqual([]);
    vi.advanceTimersByTime(1);
    const args = { question: 1, kept: 4, struck: [0, 1], rewritten: [] };
    expect(asked).toEqual([['explain', { ask: args }]]);
    const more = made();
    more.questions[1]!.tried.push({
      kept: 4,
      struck: [0, 1],
      rewritten: [],
      choice: { labels: ['0.60', '0.30', '0.10'], option: 0, none: null, samples: 0 }
    });
    view.setPayload(more);
    expect(now(view)).toBe('Answer after the whole reasoning, without sentences 1 and 2: A 0.60');
    expect(texts(view, 'tried')).toEqual(['the whole reasoning, without sentences 1 and 2 → A 0.60']);
    part(view, 'reset').click();
    part(view, 'tried').click();
    expect(now(view)).toContain('A 0.60');
    vi.advanceTimersByTime(REST);
    expect(asked).toHaveLength(1);
  });

  it('asks for other words, and leaves the field by Escape', () => {
    const { view, asked } = live();
    sentence(view, 1).focus();
    press(sentence(view, 1), 'r');
    const field = part(view, 'words') as HTMLInputElement;
    expect(field.value).toBe('Three packs hold 18 eggs.');
    expect(document.activeElement).toBe(field);
    press(field, 'Escape');
    expect(parts(view, 'words')).toHaveLength(0);
    part(view, 'rewrite').click();
    const again = part(view, 'words') as HTMLInputElement;
    again.value = '  Three packs   hold 12 eggs. ';
    press(again, 'Enter');
    expect(sentence(view, 1).textContent).toContain('Three packs hold 12 eggs.rewritten');
    // The number was measured of the model's own sentence.
    expect(sentence(view, 1).getAttribute('aria-label')).toBe('2: Three packs hold 12 eggs., rewritten');
    vi.advanceTimersByTime(REST);
    expect(asked.at(-1)).toEqual([
      'explain',
      { ask: { question: 1, kept: 4, struck: [], rewritten: [[1, 'Three packs hold 12 eggs.']] } }
    ]);
  });

  it('can ask again what was cancelled', () => {
    const { view, asked } = live();
    sentence(view, 0).click();
    press(sentence(view, 0), 'x');
    press(sentence(view, 1), 'x');
    vi.advanceTimersByTime(REST);
    view.setStatus(running({ elapsed: 2 }));
    expect(now(view)).toContain('being asked');
    press(sentence(view, 1), 'Escape');
    view.setStatus({ state: 'cancelled', text: 'Cancelled after 2 s.' });
    expect(now(view)).toContain('not asked yet');
    part(view, 'ask').click();
    expect(asked.map(([kind]) => kind).filter(kind => kind !== 'select')).toEqual([
      'explain',
      'cancel',
      'explain'
    ]);
  });

  it('sleeps without its model', () => {
    const { view } = mounted.live(made(), { options: { live: false } });
    expect(part(view, 'gone').textContent).toContain('no longer in memory');
    expect(part(view, 'rewrite').hidden).toBe(true);
    expect(readOptions('nonsense')).toEqual({ live: false });
    expect(readPlace([])).toBeNull();
  });
});

describe('its widget', () => {
  it('tells Python which sentence is chosen, and follows Python', () => {
    const model = new FakeModel({
      payload: made(),
      options: { live: true },
      status: { state: 'idle' },
      selection: [],
      place: [1, null]
    });
    const el = document.createElement('div');
    document.body.replaceChildren(el);
    const dispose = widget.render({ model, el });
    const view = { element: el };
    sentence(view, 2).click();
    expect(model.get('place')).toEqual([1, 2]);
    model.set('place', [0, null]);
    expect(part(view, 'asked').textContent).toContain('planet');
    dispose();
    expect(model.listening).toBe(0);
  });
});

describe('a change', () => {
  it('counts only what is read', () => {
    const question = made().questions[1]!;
    const change = whole(question);
    expect(answer(question, change)).toEqual(question.cuts[4]);
    change.kept = 2;
    change.struck = new Set([3]);
    change.rewritten = new Map([[2, 'x']]);
    expect(counted(change)).toEqual({ kept: 2, struck: [], rewritten: [] });
    expect(answer(question, change)).toEqual(question.cuts[2]);
    change.struck = new Set([0]);
    expect(answer(question, change)).toBeNull();
    expect(told(question, change)).toBe('2 of 4 sentences, without sentence 1');
  });
});

describe('its files', () => {
  it('CSV has a row for each sentence', () => {
    const lines = csv(made()).split('\r\n');
    expect(lines[3]).toBe('1,3,"Two are broken, so 18 less 2 is 16.",0.7,true,"A 0.75","A 0.80"');
    expect(lines).toHaveLength(4 + 2);
  });

  it('SVG is well-formed', () => {
    const page = new DOMParser().parseFromString(svg(made(), 1).text, 'image/svg+xml');
    expect(page.querySelector('parsererror')).toBeNull();
    expect(page.documentElement.textContent).toContain('Two are broken');
  });
});
