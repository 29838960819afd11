import { describe, expect, it } from 'vitest';
import trace from './fixtures/trace.json';
import { drawHeat, drawHeatTable, largest } from '../views/heat';
import { drawTabs } from '../views/tabs';
import { TraceView } from '../views/trace';
import { after, readPayload } from '../views/trace/payload';
import { csv, svg } from '../views/trace/save';
import widget from '../widgets/trace';
import { FakeModel, onPage, part, parts, press, running } from './fakes';
import type { Chosen } from '../views/chosen';
import type { Heat } from '../views/heat';
import type { Live, Options, TracePayload } from '../views/trace';

const fixture = (): TracePayload => structuredClone(trace) as unknown as TracePayload;
const OPTIONS: Options = { live: true, edit: false, methods: [], edited: false };
const mounted = onPage(TraceView, OPTIONS);
const still = (payload: unknown = fixture()) => mounted.still(payload);
const live = (changes: Partial<Live> = {}, payload: unknown = fixture()) => mounted.live(payload, changes);

type Drawn = { element: HTMLElement };
const cell = (view: Drawn, row: number, column: number): HTMLElement =>
  part(view, 'cell', `[data-row="${row}"][data-index="${column}"]`);
const tab = (view: Drawn, key: string): HTMLElement => part(view, 'tab', `[data-key="${key}"]`);
const runs = (view: Drawn): string[][] =>
  parts(view, 'run').map(run =>
    [...run.querySelectorAll('.iw-heading, .iw-row')].map(row => row.textContent)
  );

describe('the trace', () => {
  it('has the question, the verdict and a cell for each token and layer', () => {
    const view = still();
    expect(part(view, 'title').textContent).toBe('Where is Eiffel Tower → ·Paris stored?');
    expect(part(view, 'verdict').textContent).toContain('● trust');
    expect(parts(view, 'cell').map(item => item.textContent)).toEqual(fixture().sheets[0]!.labels.flat());
    expect(parts(view, 'column').map(item => item.textContent)).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(cell(view, 2, 0).getAttribute('aria-label')).toBe('iffel, layer 0: +0.50');
    expect(cell(view, 2, 0).style.getPropertyValue('--s')).toBe('0.8333');
    expect(cell(view, 5, 0).classList.contains('iw-against')).toBe(true);
    expect(part(view, 'legend').textContent).toContain('−0.60 (hatched)00.60');
  });

  it('marks the subject in the heads of the rows, also in words', () => {
    const heads = parts(still(), 'row-head');
    expect(heads.map(head => head.textContent)).toEqual([
      'The',
      '·E, subject',
      'iffel, subject',
      '·Tower, subject',
      '·is',
      '·in'
    ]);
    expect(heads.map(head => head.classList.contains('iw-marked'))).toEqual([
      false,
      true,
      true,
      true,
      false,
      false
    ]);
  });

  it('reads a cell: from corrupted to restored, of clean, with its interval', () => {
    const view = still();
    expect(part(view, 'readout').textContent).toContain('Point at a cell');
    cell(view, 2, 1).focus();
    expect(part(view, 'readout').textContent).toBe(
      'iffellayer 1:0.02 → 0.43of 0.70effect +0.41 ± 0.05 (95 % over 3 samples)'
    );
    cell(view, 0, 0).focus();
    expect(part(view, 'readout').textContent).toContain('nothing changes here');
    const single = fixture();
    single.sheets[0]!.spreads = null;
    cell(still(single), 2, 1).focus();
    expect(document.querySelector('[data-iw="readout"]')?.textContent).toContain('no interval');
  });

  it('is entered once by Tab, at the largest effect, and walked by keys', () => {
    const view = still();
    const grid = part(view, 'heat');
    expect([...grid.querySelectorAll('[tabindex="0"]')]).toEqual([cell(view, 5, 5)]);
    cell(view, 5, 5).focus();
    const path: [string, HTMLElement][] = [
      ['Home', cell(view, 5, 0)],
      ['ArrowUp', cell(view, 4, 0)],
      ['ArrowRight', cell(view, 4, 1)],
      ['End', cell(view, 4, 5)],
      ['ArrowRight', cell(view, 4, 5)],
      ['ArrowDown', cell(view, 5, 5)],
      ['ArrowDown', cell(view, 5, 5)],
      ['ArrowLeft', cell(view, 5, 4)]
    ];
    for (const [key, to] of path) {
      expect(press(document.activeElement!, key).defaultPrevented).toBe(true);
      expect(document.activeElement).toBe(to);
    }
    expect(grid.querySelectorAll('[tabindex="0"]')).toHaveLength(1);
    press(document.activeElement!, '?');
    expect(part(view, 'keys').hidden).toBe(false);
  });

  it('shows the next tokens of a chosen cell beside those of both runs', () => {
    const told: Chosen[] = [];
    const view = new TraceView(fixture(), null, { chosen: [], choose: chosen => told.push(chosen) });
    document.body.replaceChildren(view.element);
    expect(runs(view).map(run => run[0])).toEqual(['clean', 'corrupted']);
    cell(view, 2, 1).focus();
    press(document.activeElement!, 'Enter');
    expect(told).toEqual([['hidden', 2, 1]]);
    expect(runs(view)[2]).toEqual(['restored: iffel, layer 1', '·Paris0.50', '·London0.25', '·the< 0.0001']);
    expect(cell(view, 2, 1).getAttribute('aria-selected')).toBe('true');
    press(document.activeElement!, 'ArrowRight');
    expect(part(view, 'readout').textContent).toContain('layer 2');
    press(document.activeElement!, 'Escape');
    expect(told.at(-1)).toEqual([]);
    expect(runs(view)).toHaveLength(2);
    cell(view, 0, 3).click();
    expect(runs(view)[2]!.slice(1)).toEqual(runs(view)[1]!.slice(1)); // before the subject nothing differs
    cell(view, 0, 3).click();
    expect(told.at(-1)).toEqual([]);
  });

  it('follows a cell that Python chooses, also on another tab', () => {
    const view = new TraceView(fixture(), null, { chosen: ['hidden', 5, 5], choose: () => undefined });
    document.body.replaceChildren(view.element);
    expect(cell(view, 5, 5).getAttribute('aria-selected')).toBe('true');
    view.setChosen(['mlp', 2, 0]);
    expect(tab(view, 'mlp').getAttribute('aria-selected')).toBe('true');
    expect(cell(view, 2, 0).getAttribute('aria-selected')).toBe('true');
    view.setChosen([]);
    expect(view.element.querySelector('.iw-heat-cell[aria-selected="true"]')).toBeNull();
  });

  it('has a tab for each kind; where a model is there, also for those that were not traced', () => {
    expect(parts(still(), 'tab').map(item => item.textContent)).toEqual(['hidden state', 'MLP']);
    const { view, asked } = live();
    expect(parts(view, 'tab').map(item => item.textContent)).toEqual([
      'hidden state',
      'MLP',
      'attention …',
      'MLP severed …',
      'attention severed …'
    ]);
    tab(view, 'mlp').click();
    expect(parts(view, 'cell').map(item => item.textContent)).toEqual(fixture().sheets[1]!.labels.flat());
    press(tab(view, 'mlp'), 'ArrowRight');
    expect(document.activeElement).toBe(tab(view, 'attn'));
    tab(view, 'attn').click();
    expect(asked).toEqual([['explain', { kind: 'attn' }]]);
    const more = fixture();
    more.sheets.push({ ...more.sheets[0]!, key: 'attn', name: 'attention' });
    more.missing = more.missing.slice(1);
    view.setPayload(more);
    expect(tab(view, 'attn').getAttribute('aria-selected')).toBe('true');
    view.setOptions({ ...OPTIONS, live: false });
    expect(parts(view, 'tab')).toHaveLength(3);
    expect(part(view, 'gone').textContent).toContain('no longer in memory');
  });

  it('has no lists of next tokens where they are not known', () => {
    const payload = fixture();
    payload.tops.forEach(top => (top.items = []));
    const view = still(payload);
    expect(part(view, 'runs').closest('[hidden]')).not.toBeNull();
    expect(part(still(), 'runs').closest('[hidden]')).toBeNull();
  });

  it('marks the rows of selected tokens', () => {
    const { view } = live({ selection: [2] });
    expect(parts(view, 'row-head').map(head => head.classList.contains('iw-selected'))).toEqual([
      false,
      false,
      true,
      false,
      false,
      false
    ]);
  });

  it('shows waiting, cancelled and errors in the card', () => {
    const { view, asked } = live({
      status: running({ elapsed: 2, done: 1, total: 9, text: 'causal trace' })
    });
    expect(part(view, 'progress-text').textContent).toBe('causal trace, 1 of 9');
    press(cell(view, 5, 5), 'Escape');
    expect(asked).toEqual([['cancel', null]]);
    view.setStatus({ state: 'error', title: 'No.', message: 'Because.', fix: null, traceback: 'T' });
    expect(part(view, 'error').textContent).toContain('Because.');
    expect(parts(view, 'cell')).toHaveLength(36);
  });

  it('has tables with the same numbers', () => {
    const view = still();
    cell(view, 2, 1).click();
    part(view, 'table-toggle').click();
    const rows = parts(view, 'row').map(row => [...row.children].map(item => item.textContent));
    expect(rows.map(row => row.slice(1))).toEqual(fixture().sheets[0]!.labels);
    expect(rows[2]![0]).toBe('iffel (subject)');
    expect(part(view, 'runs-table').textContent).toContain('restored: iffel, layer 1·Paris0.50');
    part(view, 'table-toggle').click();
    expect(parts(view, 'cell')).toHaveLength(36);
  });

  it.each([
    [null, 'no causal trace'],
    [{}, 'was closed'],
    [{ version: 2 }, 'format version 2'],
    [{ ...trace, sheets: [] }, 'damaged'],
    [{ ...trace, sheets: [{ ...trace.sheets[0], values: [[1]] }] }, 'damaged']
  ])('says in words what it cannot draw', (payload, words) => {
    expect(part(still(payload), 'unreadable').textContent).toContain(words);
  });

  it('keeps token text as text', () => {
    const payload = fixture();
    payload.rows[2]!.name = payload.words[0] = payload.tops[0]!.items[0]![0] = '<img src=x>';
    const view = still(payload);
    cell(view, 2, 1).click();
    part(view, 'table-toggle').click();
    expect(view.element.querySelectorAll('img, script')).toHaveLength(0);
    expect(svg(payload, payload.sheets[0]!).text).not.toContain('<img');
  });
});

describe('a heat map', () => {
  const WORDS = { label: 'Map', row: 'token', column: 'layer' };
  const heat = (columns: number): Heat => ({
    rows: [
      { name: 'a', mark: null, note: '← b' },
      { name: 'c', mark: null, note: null }
    ],
    columns: Array.from({ length: columns }, (_, at) => String(at)),
    values: [0, 1].map(row => Array.from({ length: columns }, (_, at) => (at === 1 ? null : at - row))),
    labels: [0, 1].map(row => Array.from({ length: columns }, (_, at) => String(at - row))),
    max: columns
  });
  const nothing = { look: () => undefined, choose: () => undefined };

  it('writes numbers where they fit, and every fifth name of many columns', () => {
    const few = drawHeat(heat(16), WORDS, nothing).element;
    expect(few.querySelectorAll('.iw-heat-number')).toHaveLength(30);
    const many = drawHeat(heat(17), WORDS, nothing).element;
    expect(many.querySelectorAll('.iw-heat-number')).toHaveLength(0);
    const names = [...many.querySelectorAll('[data-iw="column"]')].map(item => item.textContent);
    expect(names.filter(name => name !== '')).toEqual(['0', '5', '10', '15']);
    const upright = drawHeat(heat(17), WORDS, nothing, { upright: true }).element;
    expect(upright.querySelectorAll('.iw-upright [data-iw="column"]')[3]!.textContent).toBe('3');
  });

  it('says what was not measured, and finds the largest of what was', () => {
    const map = heat(4);
    const element = drawHeat(map, WORDS, nothing).element;
    const missing = element.querySelector('[data-row="1"][data-index="1"]');
    expect(missing?.classList.contains('iw-unmeasured')).toBe(true);
    expect(missing?.getAttribute('aria-label')).toBe('c, layer 1: not measured');
    expect(largest(map)).toEqual({ row: 0, column: 3 });
    expect(largest({ ...map, values: [[null], [null]] })).toBeNull();
    const table = drawHeatTable(map, WORDS, 'numbers');
    expect(table.querySelector('tbody tr')?.textContent).toBe('a ← b0–23');
  });

  it('tabs tell of another one only', () => {
    const chosen: string[] = [];
    const list = drawTabs(
      [
        { key: 'a', name: 'A' },
        { key: 'b', name: 'B' }
      ],
      'b',
      'Letters',
      ({ key }) => chosen.push(key)
    );
    list.querySelectorAll('button').forEach(item => item.click());
    expect(chosen).toEqual(['a']);
    expect([...list.querySelectorAll('button')].map(item => item.tabIndex)).toEqual([-1, 0]);
  });
});

describe('its files', () => {
  it('CSV has a row for each kind, token and layer', () => {
    const lines = csv(fixture()).split('\r\n');
    expect(lines[0]).toBe('\ufeffkind,position,token,layer,effect,restored,half_interval');
    expect(lines[13]).toBe('hidden,2,"iffel",0,0.5,"0.52","0.06"');
    expect(lines).toHaveLength(2 * 36 + 2);
  });

  it('SVG is well-formed, with every cell', () => {
    const payload = fixture();
    const page = new DOMParser().parseFromString(svg(payload, payload.sheets[1]!).text, 'image/svg+xml');
    expect(page.querySelector('parsererror')).toBeNull();
    expect([...page.querySelectorAll('g > title')].map(title => title.textContent)).toEqual(
      payload.sheets[1]!.labels.flatMap((line, row) =>
        line.map((label, layer) => `${payload.rows[row]!.name}, layer ${layer}: ${label}`)
      )
    );
  });

  it('next tokens of an untouched cell are those of the corrupted runs', () => {
    const payload = readPayload(fixture()) as TracePayload;
    expect(after(payload, payload.sheets[0]!, 0, 0)).toEqual(payload.tops[1]!.items);
  });
});

describe('its widget', () => {
  it('keeps the chosen cell and the trait in step, and leaves nothing behind', () => {
    const model = new FakeModel({
      payload: fixture(),
      options: OPTIONS,
      status: { state: 'idle' },
      selection: [],
      place: ['hidden', 2, 1]
    });
    const el = document.createElement('div');
    document.body.replaceChildren(el);
    const dispose = widget.render({ model, el });
    const view = { element: el };
    expect(cell(view, 2, 1).getAttribute('aria-selected')).toBe('true');
    cell(view, 3, 3).click();
    expect(model.get('place')).toEqual(['hidden', 3, 3]);
    expect(model.saved).toBe(1);
    model.set('place', ['mlp', 0, 0]);
    expect(cell(view, 0, 0).getAttribute('aria-selected')).toBe('true');
    model.set('place', 'nonsense');
    expect(view.element.querySelector('.iw-heat-cell[aria-selected="true"]')).toBeNull();
    dispose();
    expect(model.listening).toBe(0);
    expect(el.children).toHaveLength(0);
  });
});
