import { describe, expect, it, vi } from 'vitest';
import matrix from './fixtures/matrix.json';
import { MatrixView } from '../views/matrix';
import { columnsOf, patched, readPayload, strongest } from '../views/matrix/payload';
import { csv, svg } from '../views/matrix/save';
import widget from '../widgets/matrix';
import { FakeModel, onPage, part, parts, press, running } from './fakes';
import type { Live, MatrixPayload, Options } from '../views/matrix';

const fixture = (): MatrixPayload => structuredClone(matrix) as unknown as MatrixPayload;

/** The picture after so many rows of a run. */
function partial(rows: number): MatrixPayload {
  const whole = fixture();
  return {
    ...whole,
    complete: false,
    amount: `${rows} tokens explained; not all of them yet`,
    boxes: whole.boxes.slice(0, whole.prompt + rows),
    rows: whole.rows.slice(0, rows),
    scale: { ...whole.scale, max: rows }
  };
}

/** What the kernel sends to lead from one picture to the next. */
function patch(before: MatrixPayload, after: MatrixPayload) {
  const { boxes, rows, ...head } = after;
  const from = { boxes: before.boxes.length, rows: before.rows.length };
  return {
    kind: 'matrix-patch',
    head,
    boxes: { from: from.boxes, items: boxes.slice(from.boxes) },
    rows: { from: from.rows, items: rows.slice(from.rows) }
  };
}

const OPTIONS: Options = {
  methods: [
    { name: 'leave_one_out', label: 'leave-one-out' },
    { name: 'lime', label: 'LIME' }
  ],
  live: true
};

const mounted = onPage(MatrixView, OPTIONS);
const still = (payload: unknown = fixture()) => mounted.still(payload);
const live = (changes: Partial<Live> = {}, payload: unknown = fixture()) => mounted.live(payload, changes);

const token = (view: { element: HTMLElement }, index: number): HTMLElement =>
  part(view, 'token', `[data-index="${index}"]`);
const cell = (view: { element: HTMLElement }, row: number, index: number): HTMLElement =>
  part(view, 'cell', `[data-row="${row}"][data-index="${index}"]`);
const scores = (view: { element: HTMLElement }): number[] =>
  parts(view, 'token').map(item => Number(item.dataset.score));

describe('the matrix', () => {
  it('has prompt and generated text, each generated token with its probability', () => {
    const view = still();
    expect(part(view, 'title').textContent).toBe('Where does each generated token come from?');
    expect(part(view, 'verdict').textContent).toContain('● trust');
    expect(part(view, 'prompt').textContent).toBe('The capital of Australia is');
    expect(part(view, 'generated').textContent).toBe(' Canberra, of course.');
    expect(parts(view, 'token').map(item => item.dataset.probability)).toEqual([
      ...Array(5).fill(undefined),
      ...fixture().rows.map(row => row.label)
    ]);
    expect(token(view, 5).style.getPropertyValue('--p')).toBe('0.9000');
    expect(part(view, 'amount').textContent).toBe('5 tokens explained');
  });

  it('lights the sources of a generated token, scaled to it', () => {
    const payload = fixture();
    const view = still();
    token(view, 6).focus();
    expect(scores(view)).toEqual([...payload.rows[1]!.scores, 0, 0, 0, 0]);
    expect(token(view, 1).style.getPropertyValue('--s')).toBe('1.0000');
    expect(token(view, 1).classList.contains('iw-against')).toBe(true);
    expect(token(view, 6).classList.contains('iw-lit')).toBe(true);
    const said = part(view, 'readout').textContent;
    expect(said).toContain(',probability 0.45');
    expect(said).toContain('entropy 0.80 nats, next best·the0.10');
    expect(said).toContain('comes from ·capital −1.99, ·Canberra +1.89');
  });

  it('lights what a source feeds, and for a generated token when turned round', () => {
    const payload = fixture();
    const view = still();
    token(view, 3).focus();
    expect(scores(view)).toEqual([0, 0, 0, 0, 0, ...payload.rows.map(row => row.scores[3])]);
    expect(part(view, 'readout').textContent).toContain('·Australia');
    expect(part(view, 'readout').textContent).toContain('feeds ·course −3.99');
    press(document.activeElement!, 'ArrowRight');
    press(document.activeElement!, 'ArrowRight');
    expect(part(view, 'readout').textContent).toContain('comes from');
    press(document.activeElement!, 'r');
    expect(part(view, 'direction').getAttribute('aria-pressed')).toBe('true');
    expect(scores(view)).toEqual([0, 0, 0, 0, 0, 0, ...payload.rows.slice(1).map(row => row.scores[5])]);
    part(view, 'direction').click();
    expect(part(view, 'direction').getAttribute('aria-pressed')).toBe('false');
  });

  it('shows the first token until one is looked at, and a selected one after that', () => {
    const { view, asked } = live();
    expect(part(view, 'readout').textContent).toContain('·Canberraprobability 0.90');
    token(view, 8).click();
    expect(asked.at(-1)).toEqual(['select', [8]]);
    token(view, 8).blur();
    expect(part(view, 'readout').textContent).toContain('·courseprobability');
    view.setSelection([]);
    expect(part(view, 'readout').textContent).toContain('·Canberra');
  });

  it('has a grid of all scores, each with its sign in words and pattern', () => {
    const payload = fixture();
    const view = still();
    expect(parts(view, 'column').map(column => column.textContent)).toEqual(
      payload.boxes.slice(0, 9).map(box => box.name)
    );
    expect(parts(view, 'cell').map(item => item.textContent)).toEqual(
      payload.rows.flatMap(row => row.labels)
    );
    expect(cell(view, 0, 2).classList.contains('iw-against')).toBe(true);
    expect(cell(view, 0, 2).getAttribute('aria-label')).toBe('·Canberra from ·of −0.69');
    expect(part(view, 'grid').style.getPropertyValue('--max')).toBe(String(payload.scale.max));
    expect(parts(view, 'row-head').map(head => head.textContent)[0]).toBe('·Canberra0.90');
  });

  it('walks through the grid by rows and columns, and names the cell', () => {
    const { view, asked } = live();
    const grid = part(view, 'grid');
    expect(grid.querySelectorAll('[tabindex="0"]')).toHaveLength(1);
    const heads = parts(view, 'row-head');
    heads[0]!.focus();
    expect(part(view, 'readout').textContent).toContain('·Canberraprobability 0.90');
    const path: [string, () => HTMLElement][] = [
      ['ArrowRight', () => cell(view, 0, 0)],
      ['End', () => cell(view, 0, 4)],
      ['ArrowRight', () => cell(view, 0, 4)],
      ['ArrowDown', () => cell(view, 1, 4)],
      ['End', () => cell(view, 1, 5)],
      ['ArrowUp', () => cell(view, 0, 4)],
      ['ArrowDown', () => cell(view, 1, 4)]
    ];
    for (const [key, to] of path) {
      expect(press(document.activeElement!, key).defaultPrevented).toBe(true);
      expect(document.activeElement).toBe(to());
    }
    expect(part(view, 'readout').textContent).toBe(',from·is−1.75log-probability');
    expect(token(view, 6).classList.contains('iw-lit')).toBe(true);
    press(document.activeElement!, 'Enter');
    expect(asked.at(-1)).toEqual(['select', [6]]);
    press(document.activeElement!, 'Home');
    expect(document.activeElement).toBe(heads[1]);
    expect(grid.querySelectorAll('[tabindex="0"]')).toHaveLength(1);
  });

  it('is entered once by Tab in the text, and moves as the highlight does', () => {
    const { view, asked } = live();
    const text = part(view, 'tokens');
    expect(text.querySelectorAll('[tabindex="0"]')).toHaveLength(1);
    expect(token(view, 5).tabIndex).toBe(0);
    token(view, 5).focus();
    press(document.activeElement!, 'Home');
    expect(document.activeElement).toBe(token(view, 0));
    press(document.activeElement!, 'ArrowRight', { shiftKey: true });
    expect(asked.at(-1)).toEqual(['select', [0, 1]]);
    press(document.activeElement!, 'Escape');
    expect(asked.at(-1)).toEqual(['select', []]);
    press(document.activeElement!, '?');
    expect(part(view, 'keys').hidden).toBe(false);
  });

  it('has a table with the same numbers', () => {
    const payload = fixture();
    const view = still();
    part(view, 'table-toggle').click();
    const rows = parts(view, 'row').map(row => [...row.children].map(item => item.textContent));
    expect(rows.map(row => row.slice(0, 4))).toEqual(
      payload.rows.map(row => [
        payload.boxes[row.box]!.name,
        row.label,
        row.entropy,
        `${row.runner.name} ${row.runner.label}`
      ])
    );
    expect(rows.map(row => row.slice(4).filter(text => text !== ''))).toEqual(
      payload.rows.map(row => row.labels)
    );
    part(view, 'table-toggle').click();
    expect(parts(view, 'token')).toHaveLength(10);
  });

  it('asks for another method, and sleeps without its model', () => {
    const { view, asked } = live();
    const method = part(view, 'method') as HTMLSelectElement;
    expect(method.value).toBe('leave_one_out');
    method.value = 'lime';
    method.dispatchEvent(new Event('change'));
    expect(asked).toEqual([['explain', { method: 'lime' }]]);
    view.setOptions({ ...OPTIONS, live: false });
    expect((part(view, 'method') as HTMLSelectElement).disabled).toBe(true);
    expect(part(view, 'gone').textContent).toContain('no longer in memory');
    expect(still().element.querySelectorAll('select, input')).toHaveLength(0);
  });

  it('shows waiting, cancelled and errors in the card', () => {
    const { view, asked } = live({ status: running({ elapsed: 2, done: 1, total: 5, text: 'explaining' }) });
    const method = () => part(view, 'method') as HTMLSelectElement;
    method().value = 'lime';
    expect(part(view, 'progress-text').textContent).toBe('explaining, 1 of 5');
    press(token(view, 5), 'Escape');
    expect(asked).toEqual([['cancel', null]]);
    method().focus();
    view.setStatus({ state: 'cancelled', text: 'cancelled after 2 s' });
    expect(part(view, 'provenance').textContent).toBe('cancelled after 2 s');
    expect(method().value).toBe('leave_one_out');
    expect(document.activeElement).toBe(method());
    view.setStatus({ state: 'error', title: 'No.', message: 'Because.', fix: null, traceback: 'T' });
    expect(part(view, 'error').textContent).toContain('Because.');
    expect(parts(view, 'token')).toHaveLength(10);
  });

  it('gives the strongest sources a column where there are too many', () => {
    const payload = fixture();
    expect(columnsOf(payload, 45)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const wide = {
      ...payload,
      rows: [
        {
          ...payload.rows[0]!,
          box: 20,
          scores: Array(20)
            .fill(0)
            .map((_, i) => i)
        }
      ]
    };
    expect(columnsOf(wide, 8)).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
    expect(strongest([0, -2, 1, 2], 2)).toEqual([1, 3]);
  });

  it.each([
    [null, 'no matrix'],
    [{}, 'was closed'],
    [{ version: 2 }, 'format version 2'],
    [{ ...matrix, rows: [{ ...matrix.rows[0], scores: [1] }] }, 'damaged']
  ])('says in words what it cannot draw', (payload, words) => {
    expect(part(still(payload), 'unreadable').textContent).toContain(words);
  });

  it('keeps token text as text', () => {
    const payload = fixture();
    payload.boxes[0]!.text = payload.boxes[0]!.name = '<img src=x>';
    payload.boxes[5]!.text = payload.boxes[5]!.name = '<script>1</script>';
    const view = still(payload);
    token(view, 5).focus();
    part(view, 'table-toggle').click();
    expect(view.element.querySelectorAll('img, script')).toHaveLength(0);
    expect(svg(payload).text).not.toContain('<script');
  });
});

describe('a run', () => {
  it('fills row by row without drawing anew', () => {
    const { view } = live({}, partial(1));
    const first = cell(view, 0, 0);
    const prompt = token(view, 0);
    expect(view.patch(patch(partial(1), partial(2)))).toBe(true);
    expect(cell(view, 0, 0)).toBe(first);
    expect(token(view, 0)).toBe(prompt);
    expect(parts(view, 'row-head')).toHaveLength(2);
    expect(parts(view, 'column')).toHaveLength(6);
    expect(part(view, 'generated').textContent).toBe(' Canberra,');
    expect(part(view, 'amount').textContent).toContain('2 tokens explained');
    expect(part(view, 'grid').style.getPropertyValue('--max')).toBe('2');
    expect(part(view, 'readout').textContent).toContain(',probability 0.45');
    expect(part(view, 'announcer').textContent).toBe('');
    view.setPayload(fixture());
    expect(parts(view, 'row-head')).toHaveLength(5);
    expect(part(view, 'announcer').textContent).toContain('5 tokens explained. trust');
  });

  it('keeps the focus and the selection', () => {
    const { view } = live({ selection: [5] }, partial(1));
    token(view, 5).focus();
    view.patch(patch(partial(1), partial(3)));
    expect(document.activeElement).toBe(token(view, 5));
    expect(token(view, 5).getAttribute('aria-selected')).toBe('true');
    cell(view, 0, 2).focus();
    view.patch(patch(partial(3), partial(4)));
    expect(document.activeElement).toBe(cell(view, 0, 2));
    view.setPayload(fixture());
    expect(document.activeElement).toBe(cell(view, 0, 2));
  });

  it('begins with nothing', () => {
    const nothing = { ...partial(0), verdict: null, boxes: [], prompt: 0, provenance: [], method: '' };
    const { view } = live({}, nothing);
    expect(part(view, 'readout').textContent).toBe('No token is explained yet.');
    expect(view.element.querySelector('.iw-grid-part')?.hasAttribute('hidden')).toBe(true);
    view.patch({ ...patch(partial(0), partial(1)), boxes: { from: 0, items: partial(1).boxes } });
    expect(parts(view, 'row-head')).toHaveLength(1);
    expect(part(view, 'verdict').textContent).toContain('trust');
  });

  it('knows when something is missing', () => {
    const { view } = live({}, partial(1));
    expect(view.patch(patch(partial(2), partial(3)))).toBe(false);
    expect(view.patch('nonsense')).toBe(true);
    expect(parts(view, 'row-head')).toHaveLength(1);
    expect(patched(partial(1), patch(partial(2), partial(3)))).toBeNull();
    expect(typeof readPayload(patched(partial(1), patch(partial(1), partial(2))))).toBe('object');
  });
});

describe('its files', () => {
  it('CSV has a row for each token and source', () => {
    const lines = csv(fixture()).split('\r\n');
    expect(lines[0]).toBe('\ufefftarget_tokens,target,source_tokens,source,score,unit');
    expect(lines[1]).toBe('"5","·Canberra","0","The",0.964,"log-probability"');
    expect(lines).toHaveLength(37);
  });

  it('SVG is well-formed, with every cell', () => {
    const payload = fixture();
    const page = new DOMParser().parseFromString(svg(payload).text, 'image/svg+xml');
    expect(page.querySelector('parsererror')).toBeNull();
    expect([...page.querySelectorAll('g > title')].map(title => title.textContent)).toEqual(
      payload.rows.flatMap(row =>
        row.labels.map(
          (label, box) => `${payload.boxes[row.box]!.name} from ${payload.boxes[box]!.name} ${label}`
        )
      )
    );
  });
});

describe('its widget', () => {
  function setUp(payload: unknown) {
    const model = new FakeModel({ payload, options: OPTIONS, status: { state: 'idle' }, selection: [] });
    const el = document.createElement('div');
    document.body.replaceChildren(el);
    const dispose = widget.render({ model, el });
    return { model, el, dispose, view: { element: el } };
  }

  it('asks for the whole picture where a run is under way', async () => {
    const { model, view } = setUp(partial(1));
    const asked = model.sent.find(sent => sent.kind === 'state');
    model.emit('msg:custom', { id: asked?.id, result: partial(3) });
    await vi.waitFor(() => expect(parts(view, 'row-head')).toHaveLength(3));
    model.emit('msg:custom', patch(partial(3), partial(4)));
    expect(parts(view, 'row-head')).toHaveLength(4);
    model.emit('msg:custom', { ...patch(partial(4), partial(5)), rows: { from: 9, items: [] } });
    expect(model.sent.filter(sent => sent.kind === 'state')).toHaveLength(2);
    model.set('payload', fixture());
    expect(parts(view, 'row-head')).toHaveLength(5);
  });

  it('asks for nothing where the picture is whole, and leaves nothing behind', () => {
    const { model, el, dispose } = setUp(fixture());
    expect(model.sent.map(sent => sent.kind)).toEqual(['hello']);
    dispose();
    expect(model.listening).toBe(0);
    expect(el.children).toHaveLength(0);
  });
});
