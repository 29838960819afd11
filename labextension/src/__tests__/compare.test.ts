import { describe, expect, it, vi } from 'vitest';
import compare from './fixtures/compare.json';
import { CompareView } from '../views/compare';
import { csv, svg } from '../views/compare/save';
import widget from '../widgets/compare';
import { FakeModel, onPage, part, parts, press, running } from './fakes';
import type { ComparePayload, Live, Options } from '../views/compare';

const fixture = (): ComparePayload => structuredClone(compare) as unknown as ComparePayload;

const OPTIONS: Options = {
  methods: [
    { name: 'leave_one_out', label: 'leave-one-out' },
    { name: 'shapley', label: 'Shapley values' },
    { name: 'integrated_gradients', label: 'integrated gradients' },
    { name: 'lime', label: 'LIME' }
  ],
  live: true
};

const mounted = onPage(CompareView, OPTIONS);
const still = (payload: unknown = fixture()) => mounted.still(payload);
const live = (changes: Partial<Live> = {}, payload: unknown = fixture()) => mounted.live(payload, changes);

const at = (view: CompareView, row: number, index: number): HTMLElement =>
  part(view, 'token', `[data-row="${row}"][data-index="${index}"]`);

describe('the comparison', () => {
  it('has a row for each method with its verdict, cost and running text', () => {
    const payload = fixture();
    const view = still();
    expect(part(view, 'title').textContent).toBe('Why ·Canberra rather than ·Sydney?');
    expect(part(view, 'sentence').textContent).toBe(payload.sentence);
    const heads = parts(view, 'method-head').map(head => head.textContent);
    expect(heads).toEqual([
      'leave-one-out● trust6 forward passes, 0.1 s',
      'Shapley values● trust1\u2009200 forward passes, 6.4 s',
      'integrated gradients■ do not trust6 forward passes, 0.1 s'
    ]);
    expect(parts(view, 'tokens').map(text => text.textContent)).toEqual(
      Array(3).fill('The capital of Australia is')
    );
    expect(parts(view, 'token').map(token => Number(token.dataset.score))).toEqual(
      payload.methods.flatMap(method => method.scores)
    );
    expect(parts(view, 'method-row').map(row => row.classList.contains('iw-muted'))).toEqual([
      false,
      false,
      true
    ]);
  });

  it('scales each row to its own largest score, and says so', () => {
    const view = still();
    expect([0, 1].map(row => at(view, row, 3).style.getPropertyValue('--s'))).toEqual(['1.0000', '1.0000']);
    expect(at(view, 2, 2).style.getPropertyValue('--s')).toBe('1.0000');
    expect(part(view, 'legend').textContent).toContain('each row to its own largest score');
    expect(part(view, 'legend').textContent).toContain('Shapley values 4.40 log-odds');
  });

  it('lights the same token in all rows and names it by each method', () => {
    const view = still();
    at(view, 1, 3).focus();
    expect(parts(view, 'token').filter(token => token.classList.contains('iw-lit'))).toEqual(
      [0, 1, 2].map(row => at(view, row, 3))
    );
    const readout = part(view, 'readout').textContent;
    expect(readout).toContain('·Australia');
    for (const said of ['+0.90 log-odds, rank 1', '+4.40 log-odds, rank 1', '−0.50 log-odds, rank 4']) {
      expect(readout).toContain(said);
    }
    at(view, 1, 3).blur();
    expect(view.element.querySelectorAll('.iw-lit')).toHaveLength(0);
    expect(part(view, 'readout').textContent).toContain('here the methods differ most');
  });

  it('is entered once by Tab; arrows move over tokens and rows', () => {
    const view = still();
    const grid = part(view, 'grid');
    expect(grid.querySelectorAll('[tabindex="0"]')).toHaveLength(1);
    const first = at(view, 0, 0);
    expect(first.tabIndex).toBe(0);
    first.focus();
    const path: [string, HTMLElement][] = [
      ['ArrowRight', at(view, 0, 1)],
      ['ArrowDown', at(view, 1, 1)],
      ['End', at(view, 1, 4)],
      ['ArrowDown', at(view, 2, 4)],
      ['ArrowDown', at(view, 2, 4)],
      ['Home', at(view, 2, 0)],
      ['ArrowLeft', parts(view, 'method-head')[2]!],
      ['ArrowUp', parts(view, 'method-head')[1]!],
      ['ArrowRight', at(view, 1, 0)]
    ];
    for (const [key, to] of path) {
      expect(press(document.activeElement!, key).defaultPrevented).toBe(true);
      expect(document.activeElement).toBe(to);
    }
    expect(grid.querySelectorAll('[tabindex="0"]')).toHaveLength(1);
  });

  it('reads out a verdict on the name of its method', () => {
    const view = still();
    parts(view, 'method-head')[2]!.focus();
    expect(part(view, 'readout').textContent).toContain('scores sum to +21.0');
    expect(part(view, 'readout').textContent).toContain('Use leave-one-out instead.');
    expect(parts(view, 'method-head')[2]!.getAttribute('aria-label')).toContain('do not trust');
  });

  it('marks and names where the methods differ most, and leads there', () => {
    const { view, asked } = live();
    expect(parts(view, 'differ').map(row => row.textContent)[0]).toBe(
      '·capitalrank 2 by leave-one-out, rank 5 by integrated gradients'
    );
    expect(at(view, 0, 1).classList.contains('iw-differs')).toBe(true);
    part(view, 'differ').click();
    expect(asked.at(-1)).toEqual(['select', [1]]);
    expect(document.activeElement).toBe(at(view, 0, 1));
  });

  it('shows agreement as numbers on one hue', () => {
    const cells = parts(still(), 'correlation');
    expect(cells.map(cell => cell.textContent)).toEqual(
      fixture().agreement.flatMap(row => row.map(cell => cell.label))
    );
    expect(cells.map(cell => cell.style.getPropertyValue('--s'))[1]).toBe('0.900');
    expect(cells[2]?.style.getPropertyValue('--s')).toBe('0.000');
  });

  it('has a table with the same numbers', () => {
    const payload = fixture();
    const view = still();
    part(view, 'table-toggle').click();
    expect(parts(view, 'token')).toHaveLength(0);
    expect(parts(view, 'row').map(row => [...row.children].slice(2).map(cell => cell.textContent))).toEqual(
      payload.boxes.map((_, index) =>
        payload.methods.map(method => `${method.labels[index]} #${method.ranks[index]}`)
      )
    );
    part(view, 'table-toggle').click();
    expect(parts(view, 'token')).toHaveLength(15);
  });

  it('selects as the highlight does', () => {
    const { view, asked } = live();
    at(view, 2, 1).click();
    at(view, 0, 3).dispatchEvent(new MouseEvent('click', { bubbles: true, shiftKey: true }));
    expect(asked.at(-1)).toEqual(['select', [1, 2, 3]]);
    expect(at(view, 1, 2).getAttribute('aria-selected')).toBe('true');
    press(at(view, 0, 3), 'Escape');
    expect(asked.at(-1)).toEqual(['select', []]);
    at(view, 0, 3).blur();
    view.setSelection([4]);
    expect(at(view, 1, 4).getAttribute('aria-selected')).toBe('true');
    expect(part(view, 'readout').textContent).toContain('·is');
  });

  it('asks for other methods when told to, and for another target or foil', () => {
    const { view, asked } = live();
    const ask = part(view, 'compare-these') as HTMLButtonElement;
    expect(ask.disabled).toBe(true);
    part(view, 'method', '[data-name="lime"]').click();
    part(view, 'method', '[data-name="shapley"]').click();
    ask.click();
    expect(asked).toEqual([['explain', { methods: ['leave_one_out', 'integrated_gradients', 'lime'] }]]);
    for (const name of ['leave_one_out', 'integrated_gradients', 'lime']) {
      part(view, 'method', `[data-name="${name}"]`).click();
    }
    expect(ask.disabled).toBe(true);
    part(view, 'candidate', '[data-id="37045"]').click();
    expect(asked.at(-1)).toEqual(['explain', { target: ' Perth' }]);
    part(view, 'foil', '[data-id="11809"]').click();
    expect(asked.at(-1)).toEqual(['explain', { foil: null }]);
  });

  it('lists its keys on ?, and Escape closes them', () => {
    const { view } = live();
    press(at(view, 0, 0), '?');
    expect(part(view, 'keys').hidden).toBe(false);
    press(at(view, 0, 0), 'Escape');
    expect(part(view, 'keys').hidden).toBe(true);
  });

  it('shows waiting, cancelled and errors in the card', () => {
    const { view, asked } = live({ status: running({ elapsed: 2, done: 1, total: 3, text: 'lime' }) });
    expect(part(view, 'progress-text').textContent).toBe('lime, 1 of 3');
    part(view, 'cancel').click();
    expect(asked).toEqual([['cancel', null]]);
    view.setStatus({ state: 'cancelled', text: 'cancelled after 2 s; the last result is still shown' });
    expect(part(view, 'provenance').textContent).toContain('cancelled after 2 s');
    view.setStatus({
      state: 'error',
      title: 'No.',
      message: 'Because.',
      fix: { label: 'Do', args: { methods: ['lime'] } },
      traceback: 'T'
    });
    part(view, 'fix').click();
    expect(asked.at(-1)).toEqual(['explain', { methods: ['lime'] }]);
    expect(parts(view, 'token')).toHaveLength(15);
  });

  it('sleeps without its model, and is still without a kernel', () => {
    const { view } = live({ options: { ...OPTIONS, live: false } });
    expect(part(view, 'gone').textContent).toContain('no longer in memory');
    expect(part(view, 'candidate').tagName).toBe('DIV');
    const saved = still();
    expect(saved.element.dataset.state).toBe('static');
    expect(saved.element.querySelectorAll('input, select')).toHaveLength(0);
  });

  it('names what is not drawn', () => {
    const payload = fixture();
    payload.rest = 'The last 5 of 900 tokens are drawn.';
    payload.differ[0]!.index = null;
    const view = still(payload);
    expect(part(view, 'rest').textContent).toBe(payload.rest);
    expect(parts(view, 'differ')).toHaveLength(2);
    expect(part(view, 'differing').textContent).toContain('·capital');
  });

  it.each([
    [null, 'no comparison'],
    [{}, 'was closed'],
    [{ version: 2 }, 'format version 2'],
    [{ ...compare, methods: [{ ...compare.methods[0], scores: [1] }] }, 'damaged']
  ])('says in words what it cannot draw', (payload, words) => {
    expect(part(still(payload), 'unreadable').textContent).toContain(words);
  });

  it('keeps the focus in a new picture', () => {
    const { view } = live();
    at(view, 2, 3).focus();
    view.setPayload(fixture());
    expect(document.activeElement).toBe(at(view, 2, 3));
    expect(part(view, 'announcer').textContent).toContain('Rank correlation');
  });

  it('keeps token text as text', () => {
    const payload = fixture();
    payload.boxes[0]!.text = payload.boxes[0]!.name = '<img src=x>';
    payload.methods[0]!.label = '<script>1</script>';
    const view = still(payload);
    at(view, 0, 0).focus();
    expect(view.element.querySelectorAll('img, script')).toHaveLength(0);
    part(view, 'table-toggle').click();
    expect(view.element.querySelectorAll('img, script')).toHaveLength(0);
    expect(svg(payload).text).not.toContain('<script');
  });
});

describe('its files', () => {
  it('CSV has a row for each token and method', () => {
    const lines = csv(fixture()).split('\r\n');
    expect(lines[0]).toBe('\ufefftokens,name,method,score,rank,unit');
    expect(lines[4]).toBe('"3","·Australia","leave-one-out",0.9,1,"log-odds"');
    expect(lines).toHaveLength(17);
  });

  it('SVG is well-formed, with every token of every method', () => {
    const payload = fixture();
    const page = new DOMParser().parseFromString(svg(payload).text, 'image/svg+xml');
    expect(page.querySelector('parsererror')).toBeNull();
    expect([...page.querySelectorAll('g > title')].map(title => title.textContent)).toEqual(
      payload.methods.flatMap(method =>
        payload.boxes.map((box, index) => `${box.name} ${method.labels[index]}`)
      )
    );
    expect(page.documentElement.textContent).toContain('do not trust');
  });
});

describe('its widget', () => {
  it('asks, shows, and leaves nothing behind', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const model = new FakeModel({
      payload: fixture(),
      options: OPTIONS,
      status: { state: 'idle' },
      selection: []
    });
    const el = document.createElement('div');
    document.body.replaceChildren(el);
    const dispose = widget.render({ model, el });
    const view = { element: el };
    part(view, 'candidate', '[data-id="37045"]').click();
    expect(model.sent.at(-1)).toMatchObject({ kind: 'explain', args: { target: ' Perth' } });
    const next = fixture();
    next.sentence = 'They agree.';
    model.set('payload', next);
    expect(part(view, 'sentence').textContent).toBe('They agree.');
    dispose();
    expect(model.listening).toBe(0);
    expect(el.children).toHaveLength(0);
    vi.useRealTimers();
  });
});
