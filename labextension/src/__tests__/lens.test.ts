import { describe, expect, it, vi } from 'vitest';
import lens from './fixtures/lens.json';
import { LensView } from '../views/lens';
import { height, patched, rankOf, readPayload } from '../views/lens/payload';
import { csv, svg } from '../views/lens/save';
import widget from '../widgets/lens';
import { FakeModel, onPage, part, parts, press, running } from './fakes';
import type { LensPayload, Live, Options } from '../views/lens';

const fixture = (): LensPayload => structuredClone(lens) as unknown as LensPayload;

/** The picture when so many layers are read, the last ones first. */
function partial(read: number): LensPayload {
  const whole = fixture();
  return {
    ...whole,
    complete: false,
    amount: `${read} layers read so far`,
    rows: whole.rows.map((row, at) =>
      at >= whole.rows.length - read ? row : { ...row, cells: row.cells.map(() => null) }
    )
  };
}

/** What the kernel sends to lead from one picture to the next. */
function patch(before: LensPayload, after: LensPayload) {
  const { rows, ...head } = after;
  const changed = rows.map((row, at) => ({ at, row })).filter(({ at, row }) => row !== before.rows[at]);
  return { kind: 'lens-patch', head, rows: changed };
}

const OPTIONS: Options = {
  sites: [
    { name: 'resid_post', label: 'the state after the layer' },
    { name: 'mlp_out', label: "what the layer's MLP adds, alone" }
  ],
  live: true
};

const mounted = onPage(LensView, OPTIONS);
const still = (payload: unknown = fixture()) => mounted.still(payload);
const live = (changes: Partial<Live> = {}, payload: unknown = fixture()) => mounted.live(payload, changes);

const cell = (view: { element: HTMLElement }, row: number, index: number): HTMLElement =>
  part(view, 'cell', `[data-row="${row}"][data-index="${index}"]`);
const trails = (view: { element: HTMLElement }): (string | undefined)[] =>
  parts(view, 'trail').map(item => item.querySelector('.iw-name')?.textContent ?? undefined);

describe('the lens', () => {
  it('has a cell for each layer and position, late layers above', () => {
    const payload = fixture();
    const view = still();
    expect(part(view, 'title').textContent).toBe('What would it say after each layer?');
    expect(part(view, 'verdict').textContent).toContain('▲ caution');
    expect(parts(view, 'row-head').map(head => head.textContent?.replace(/,.*/, ''))).toEqual([
      '3',
      '2',
      '1',
      '0'
    ]);
    expect(parts(view, 'column').map(column => column.textContent)).toEqual(
      payload.boxes.map(box => box.name)
    );
    for (const [row, line] of payload.rows.entries()) {
      for (const [index, one] of line.cells.entries()) {
        expect(cell(view, row, index).textContent).toBe(payload.words[one!.ids[0]!]);
        expect(cell(view, row, index).style.getPropertyValue('--s')).toBe(one!.p.toFixed(4));
      }
    }
    expect(cell(view, 3, 4).getAttribute('aria-label')).toBe('after layer 3, at ·is: ·Sydney 0.93');
    expect(still().element.querySelectorAll('select, input')).toHaveLength(0);
  });

  it('reads the last cell out until another one is looked at', () => {
    const view = still();
    const readout = part(view, 'readout');
    expect(readout.textContent).toContain('after layer 3at·is');
    expect(readout.textContent).toContain('·Sydney 0.93, ·Canberra 0.30');
    expect(readout.textContent).toContain('rank of ·Sydney');
    cell(view, 1, 2).focus();
    expect(readout.textContent).toContain('after layer 1at·of');
    expect(readout.textContent).toContain('nats from the final distribution');
    expect(part(view, 'held-out').textContent).toContain('5.10 nats off: no better than a guess (4.67)');
    expect(part(view, 'held-out').textContent).toContain('first choice right in 14%');
  });

  it('marks the layers where the lens is no better than a guess', () => {
    const view = still();
    const weak = parts(view, 'lens-row').map(row => row.classList.contains('iw-weak'));
    expect(weak).toEqual([false, false, true, true]);
    expect(parts(view, 'row-head')[3]!.textContent).toContain('no better than a guess that reads nothing');
    expect(part(view, 'legend').textContent).toContain('italic');
  });

  it('is walked by layers and positions, and entered once by Tab', () => {
    const view = still();
    expect(view.element.querySelectorAll('[data-iw="lens-grid"] [tabindex="0"]')).toHaveLength(1);
    cell(view, 3, 4).focus();
    const path: [string, [number, number]][] = [
      ['ArrowDown', [2, 4]],
      ['ArrowLeft', [2, 3]],
      ['Home', [2, 0]],
      ['ArrowUp', [3, 0]],
      ['ArrowUp', [3, 0]],
      ['End', [3, 4]]
    ];
    for (const [key, [row, index]] of path) {
      expect(press(document.activeElement!, key).defaultPrevented).toBe(true);
      expect(document.activeElement).toBe(cell(view, row, index));
    }
    press(document.activeElement!, '?');
    expect(part(view, 'keys').hidden).toBe(false);
  });

  it('follows the token of a chosen cell through the layers of its position', () => {
    const { view, asked } = live();
    expect(trails(view)).toEqual(['·Sydney', '·Canberra']);
    expect(cell(view, 3, 4).getAttribute('aria-selected')).toBe('true');
    cell(view, 1, 4).focus();
    press(document.activeElement!, 'Enter');
    expect(asked.at(-1)).toEqual(['select', [4]]);
    expect(trails(view)).toEqual(['·Sydney', '·Canberra', '·the']);
    expect(parts(view, 'trail')[2]!.classList.contains('iw-chosen')).toBe(true);
    expect(parts(view, 'trail')[2]!.textContent).toContain('rank 1');
    expect(cell(view, 1, 4).getAttribute('aria-selected')).toBe('true');
    expect(cell(view, 3, 4).getAttribute('aria-selected')).toBe('false');
    const bars = parts(view, 'trail')[0]!.querySelectorAll('i');
    expect([...bars].map(bar => bar.style.getPropertyValue('--p'))).toEqual(
      fixture().trails[4]![0]!.labels.map(label => String(height(label)))
    );
    expect(part(view, 'story').textContent).toBe(`After ·is: ${fixture().stories[4]}`);
    view.setSelection([2]);
    cell(view, 1, 4).blur();
    expect(part(view, 'story').textContent).toBe(`After ·of: ${fixture().stories[2]}`);
  });

  it('knows the rank of a token as far as it was counted', () => {
    const payload = fixture();
    const one = payload.rows[3]!.cells[4]!;
    expect(rankOf(payload, one, payload.followed[0]!)).toBe(
      String(one.ranks[0]).replace(/\B(?=(\d{3})+$)/g, '\u2009')
    );
    expect(rankOf(payload, one, one.ids[2]!)).toBe('3');
    const absent = payload.words.findIndex(
      (_, id) => !one.ids.includes(id) && !payload.followed.includes(id)
    );
    expect(rankOf(payload, one, absent)).toBe('over 3');
    expect(['> 0.99', '0.36', '', null].map(height)).toEqual([0.99, 0.36, 0, 0]);
  });

  it('asks for another site, the calibrated lens, and tokens to follow or not', () => {
    const { view, asked } = live();
    const choose = (hook: string, value: string): void => {
      const control = part(view, hook) as HTMLSelectElement;
      control.value = value;
      control.dispatchEvent(new Event('change'));
    };
    choose('site', 'mlp_out');
    choose('lens-kind', 'calibrated');
    choose('follow-text', 'Perth');
    part(view, 'unfollow').click();
    expect(asked).toEqual([
      ['explain', { sites: 'mlp_out', calibrated: false }],
      ['explain', { calibrated: true }],
      ['explain', { follow: 'Perth' }],
      ['explain', { unfollow: 0 }]
    ]);
    view.setOptions({ ...OPTIONS, live: false });
    expect((part(view, 'site') as HTMLSelectElement).disabled).toBe(true);
    expect(part(view, 'gone').textContent).toContain('no longer in memory');
  });

  it('has a table with the same numbers', () => {
    const payload = fixture();
    const view = still();
    part(view, 'table-toggle').click();
    const rows = parts(view, 'row').map(row => [...row.children].map(item => item.textContent));
    expect(rows).toEqual(
      [...payload.rows]
        .reverse()
        .map(row => [
          String(row.layer),
          ...row.cells.map(one => `${payload.words[one!.ids[0]!]} ${one!.labels[0]}`)
        ])
    );
    part(view, 'table-toggle').click();
    expect(parts(view, 'cell')).toHaveLength(20);
  });

  it('shows waiting and errors in the card', () => {
    const { view, asked } = live({
      status: running({ elapsed: 2, done: 1, total: 5, text: 'reading the layers' })
    });
    expect(part(view, 'progress-text').textContent).toBe('reading the layers, 1 of 5');
    press(cell(view, 3, 4), 'Escape');
    expect(asked).toEqual([['cancel', null]]);
    view.setStatus({ state: 'error', title: 'No.', message: 'Because.', fix: null, traceback: 'T' });
    expect(part(view, 'error').textContent).toContain('Because.');
    expect(parts(view, 'cell')).toHaveLength(20);
  });

  it.each([
    [null, 'no lens'],
    [{}, 'was closed'],
    [{ version: 2 }, 'format version 2'],
    [{ ...lens, stories: [1] }, 'damaged'],
    [{ ...lens, words: ['·Sydney'] }, 'damaged'],
    [{ ...lens, rows: [{ layer: 0, cells: [] }] }, 'damaged']
  ])('says in words what it cannot draw', (payload, words) => {
    expect(part(still(payload), 'unreadable').textContent).toContain(words);
  });

  it('keeps token text as text', () => {
    const payload = fixture();
    payload.words = payload.words.map(() => '<img src=x>');
    payload.boxes[0]!.name = '<script>1</script>';
    const view = still(payload);
    cell(view, 3, 0).focus();
    part(view, 'table-toggle').click();
    expect(view.element.querySelectorAll('img, script')).toHaveLength(0);
    expect(svg(payload).text).not.toContain('<script');
  });
});

describe('a run', () => {
  it('fills layer by layer without drawing anew, and keeps the focus', () => {
    const { view } = live({}, partial(1));
    const first = cell(view, 3, 4);
    first.focus();
    expect(cell(view, 2, 4).textContent).toBe('');
    expect(cell(view, 2, 4).getAttribute('aria-label')).toContain('not read yet');
    expect(view.patch(patch(partial(1), { ...partial(2), rows: [...partial(1).rows] }))).toBe(true);
    const before = partial(1);
    expect(
      view.patch(
        patch(before, { ...partial(2), rows: partial(2).rows.map((r, i) => (i === 2 ? r : before.rows[i]!)) })
      )
    ).toBe(true);
    expect(cell(view, 2, 4).textContent).not.toBe('');
    expect(document.activeElement).toBe(cell(view, 3, 4));
    expect(part(view, 'amount').textContent).toBe('2 layers read so far');
    expect(part(view, 'announcer').textContent).toBe('');
    view.setPayload(fixture());
    expect(part(view, 'announcer').textContent).toContain('leads');
    expect(document.activeElement).toBe(cell(view, 3, 4));
  });

  it('begins with nothing', () => {
    const nothing = {
      ...partial(0),
      ...{
        verdict: null,
        boxes: [],
        words: [],
        rows: [],
        followed: [],
        trails: [],
        stories: [],
        provenance: []
      }
    };
    const { view } = live({}, nothing);
    expect(part(view, 'readout').textContent).toBe('Nothing is read yet.');
    view.patch({ ...patch(nothing, partial(1)), rows: partial(1).rows.map((row, at) => ({ at, row })) });
    expect(parts(view, 'cell')).toHaveLength(20);
    expect(part(view, 'verdict').textContent).toContain('caution');
  });

  it('knows when something is missing', () => {
    const { view } = live({}, partial(1));
    expect(view.patch({ kind: 'lens-patch', head: {}, rows: [{ at: 9, row: {} }] })).toBe(false);
    expect(view.patch('nonsense')).toBe(true);
    expect(patched(partial(1), { head: {}, rows: [{ at: 9, row: {} }] })).toBeNull();
    expect(typeof readPayload(patched(partial(1), patch(partial(1), partial(2))))).toBe('object');
  });
});

describe('its files', () => {
  it('CSV has a row for each position, layer and kept token', () => {
    const lines = csv(fixture()).split('\r\n');
    expect(lines[0]).toBe('\ufeffposition,token,layer,rank,next,probability,entropy,divergence');
    expect(lines[1]).toContain('0,"The",0,1,');
    expect(lines).toHaveLength(1 + 5 * 4 * 3 + 1);
  });

  it('SVG is well-formed, with every cell', () => {
    const page = new DOMParser().parseFromString(svg(fixture()).text, 'image/svg+xml');
    expect(page.querySelector('parsererror')).toBeNull();
    const titles = [...page.querySelectorAll('g > title')].map(title => title.textContent);
    expect(titles).toHaveLength(20);
    expect(titles[4]).toBe('after layer 3, at ·is: ·Sydney 0.93');
  });
});

describe('its widget', () => {
  it('asks for the whole picture where a run is under way, and leaves nothing behind', async () => {
    const model = new FakeModel({
      payload: partial(1),
      options: OPTIONS,
      status: { state: 'idle' },
      selection: []
    });
    const el = document.createElement('div');
    document.body.replaceChildren(el);
    const dispose = widget.render({ model, el });
    const asked = model.sent.find(sent => sent.kind === 'state');
    model.emit('msg:custom', { id: asked?.id, result: partial(3) });
    await vi.waitFor(() => expect(part({ element: el }, 'amount').textContent).toBe('3 layers read so far'));
    model.set('payload', fixture());
    expect(parts({ element: el }, 'cell')).toHaveLength(20);
    // A run that ends with the picture that the page has had all along.
    model.emit('msg:custom', patch(fixture(), partial(2)));
    expect(part({ element: el }, 'amount').textContent).toBe('2 layers read so far');
    model.emit('msg:custom', { kind: 'whole' });
    model.emit('msg:custom', { id: model.sent.at(-1)?.id, result: fixture() });
    await vi.waitFor(() => expect(part({ element: el }, 'amount').textContent).toBe('4 layers, 5 positions'));
    dispose();
    expect(model.listening).toBe(0);
    expect(el.children).toHaveLength(0);
  });
});
