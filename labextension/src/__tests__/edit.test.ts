import { describe, expect, it, vi } from 'vitest';
import edit from './fixtures/edit.json';
import many from './fixtures/edit-many.json';
import { EditView, readOptions } from '../views/edit';
import { csv, svg } from '../views/edit/save';
import widget from '../widgets/edit';
import { FakeModel, onPage, part, parts, press, running } from './fakes';
import type { EditPayload, Live, Options } from '../views/edit';

const fixture = (): EditPayload => structuredClone(edit) as unknown as EditPayload;
const large = (): EditPayload => structuredClone(many) as unknown as EditPayload;
const NAME = fixture().edit;
const OPTIONS: Options = {
  live: true,
  state: 'on',
  note: '',
  history: [{ name: NAME, method: 'rome', facts: 'Australia: ·Canberra', on: true, shown: true }],
  methods: [
    { name: 'rome', label: 'ROME' },
    { name: 'memit', label: 'MEMIT' }
  ],
  layers: 30,
  exports: [{ key: 'lora', label: 'LoRA adapter' }]
};
const mounted = onPage(EditView, OPTIONS);
const still = (payload: unknown = fixture()) => mounted.still(payload);
const live = (options: Partial<Options> = {}, changes: Partial<Live> = {}) =>
  mounted.live(fixture(), { options: { ...OPTIONS, ...options }, ...changes });
const texts = (view: { element: HTMLElement }, hook: string): string[] =>
  parts(view, hook).map(one => one.textContent);

describe('an edit', () => {
  it('has the question, the verdict, both texts and what was checked', () => {
    const view = still();
    expect(part(view, 'title').textContent).toBe('What changed? Australia: ·Sydney → ·Canberra');
    expect(part(view, 'verdict').textContent).toContain('▲ caution');
    expect(part(view, 'method').textContent).toBe('ROME, layer 5');
    expect(part(view, 'before').textContent).toBe('The capital of Australia is Sydney, the largest city.');
    expect(part(view, 'after').textContent).toBe('The capital of Australia is Canberra, the seat.');
    expect(texts(view, 'next')[0]).toBe('·Canberra0.34→0.96new answer');
    expect(texts(view, 'check')[0]).toBe('The capital of Australia is·Sydney 0.36·Canberra 0.96● holds');
    expect(texts(view, 'size')).toEqual(['layer 514 %']);
    expect(part(view, 'whole').textContent).toContain('● collapse alarm: no line crossed');
  });

  it('marks what is on one side only, also in words', () => {
    const view = still();
    const marked = parts(view, 'token').map(token => [
      token.textContent,
      token.classList.contains('iw-out'),
      token.classList.contains('iw-in')
    ]);
    expect(marked.filter(([, out]) => out).map(([text]) => text)).toEqual([' Sydney', ' largest', ' city']);
    expect(marked.filter(([, , only]) => only).map(([text]) => text)).toEqual([' Can', 'berra', ' seat']);
    expect(parts(view, 'token')[0]!.getAttribute('aria-label')).toBe('·Sydney, only before');
    expect(parts(view, 'token')[1]!.getAttribute('aria-label')).toBe(',');
  });

  it('is entered once by Tab at what is new, and read token by token', () => {
    const view = still();
    const list = part(view, 'tokens');
    expect([...list.querySelectorAll('[tabindex="0"]')].map(item => item.textContent)).toEqual([' Can']);
    parts(view, 'token')[6]!.focus();
    expect(part(view, 'readout').textContent).toBe('·Canprobability 0.50after the edit, and only there');
    press(document.activeElement!, 'ArrowRight');
    expect(part(view, 'readout').textContent).toContain('berra');
    press(document.activeElement!, '?');
    expect(part(view, 'keys').hidden).toBe(false);
  });

  it('shows another prompt in its tab, and keeps to it', () => {
    const view = still();
    expect(texts(view, 'tab')).toEqual(['Australia', 'another prompt']);
    press(part(view, 'tab', '[data-key="0"]'), 'ArrowRight');
    part(view, 'tab', '[data-key="1"]').click();
    expect(part(view, 'before').textContent).toContain('My flight lands in');
    expect(part(view, 'tab', '[data-key="1"]').getAttribute('aria-selected')).toBe('true');
    parts(view, 'token')[0]!.focus();
    expect(part(view, 'readout').textContent).toContain('·Sydney');
  });

  it('folds the neighbours to one line that opens, with the keyboard', () => {
    const view = still();
    const closed = parts(view, 'check').length;
    const line = part(view, 'group', '[data-key="neighbour"]');
    expect(line.textContent).toBe('▸ 2 neighbours2 of 2 right1 of 2 right■ 1 lost');
    line.focus();
    press(line, 'Enter');
    expect(parts(view, 'check')).toHaveLength(closed + 2);
    expect(document.activeElement).toBe(part(view, 'group', '[data-key="neighbour"]'));
    expect(document.activeElement!.getAttribute('aria-expanded')).toBe('true');
    press(document.activeElement!, 'ArrowDown');
    press(document.activeElement!, 'ArrowDown');
    expect(document.activeElement!.textContent).toContain('The capital of Japan is');
    expect(part(view, 'readout').textContent).toBe(
      '■ lostwanted ·Tokyo 0.70 → 0.20not ·Canberra 0.01 → 0.30probability a token, before → after'
    );
    press(document.activeElement!, 'Home');
    expect(part(view, 'readout').textContent).toContain('● holds');
    expect(part(view, 'checks').querySelectorAll('[tabindex="0"]')).toHaveLength(1);
    part(view, 'table-toggle').click();
    part(view, 'table-toggle').click();
    expect(parts(view, 'check')).toHaveLength(closed + 2); // what is open outlives the picture
  });

  it('draws the worst of many, and says so', () => {
    const view = still(large());
    expect(part(view, 'title').textContent).toBe('What changed? 100 facts');
    const fact = part(view, 'group', '[data-key="fact"]');
    expect(fact.textContent).toBe('▸ 100 facts0 of 100 ahead98 of 100 ahead▲ 2 not reached');
    fact.click();
    expect(texts(view, 'check')).toHaveLength(12);
    expect(texts(view, 'check')[0]).toContain('■ not reached');
    expect(part(view, 'checks').textContent).toContain('12 of 100 facts are shown, the worst first');
    expect(part(view, 'whole').textContent).toContain('Neutral text is infinitely odd.');
  });

  it('has no checks where there are none, and says what changes no weight', () => {
    const payload = fixture();
    payload.groups = [];
    payload.changes = [];
    payload.others = ['a codebook of 3 keys'];
    payload.whole = null;
    payload.samples = [];
    payload.boxes = [];
    const view = still(payload);
    expect(part(view, 'checks').hidden).toBe(true);
    expect(part(view, 'sizes').textContent).toBe('No weight is changeda codebook of 3 keys');
    expect(parts(view, 'token')).toHaveLength(0);
  });

  it('has tables with the same numbers', () => {
    const view = still();
    part(view, 'table-toggle').click();
    expect(part(view, 'texts-table').textContent).toContain(' Canberra, the seat.');
    expect(part(view, 'next-table').textContent).toContain('·Canberra0.340.96new answer');
    expect(part(view, 'checks-table').textContent).toContain('2 neighbours2 of 2 right1 of 2 right■ 1 lost');
    expect(part(view, 'checks-table').textContent).toContain('The capital of Japan is');
    expect(part(view, 'sizes-table').textContent).toContain('layer 514 %');
  });

  it('keeps strangers’ text as text', () => {
    const payload = fixture();
    const bad = '<img src=x>';
    payload.boxes[0]!.text = payload.samples[0]!.prompt = payload.groups[0]!.rows[0]!.prompt = bad;
    payload.samples[0]!.next[0]!.name = payload.edit = payload.others[0] = bad;
    const view = still(payload);
    part(view, 'table-toggle').click();
    expect(view.element.querySelectorAll('img, script')).toHaveLength(0);
    expect(svg(payload, 0).text).not.toContain('<img');
  });

  it.each([
    [null, 'no edit'],
    [{}, 'was closed'],
    [{ version: 2 }, 'format version 2'],
    [{ ...edit, groups: [{}] }, 'damaged'],
    [{ ...edit, samples: [{ ...edit.samples[0], texts: [] }] }, 'damaged']
  ])('says in words what it cannot draw', (payload, words) => {
    expect(part(still(payload), 'unreadable').textContent).toContain(words);
  });
});

describe('with a kernel', () => {
  it('is switched and undone, and applied again', () => {
    const { view, asked } = live();
    expect(part(view, 'toggle').getAttribute('aria-pressed')).toBe('true');
    part(view, 'toggle').click();
    part(view, 'undo').click();
    view.setOptions({ ...OPTIONS, state: 'off' });
    expect(part(view, 'toggle').textContent).toBe('Off');
    expect(part(view, 'state').textContent).toContain('Off: the model answers as without the edit');
    part(view, 'toggle').click();
    view.setOptions({ ...OPTIONS, state: 'undone', history: [] });
    expect(part(view, 'state').dataset.state).toBe('undone');
    expect(parts(view, 'undo')).toHaveLength(0);
    part(view, 'apply').click();
    expect(asked.map(([, args]) => args)).toEqual([
      { toggle: { on: false } },
      { undo: true },
      { toggle: { on: true } },
      { apply: true }
    ]);
  });

  it('is made again by another method, at another layer', () => {
    const { view, asked } = live();
    part(view, 'more').click();
    const method = part(view, 'again-method') as HTMLSelectElement;
    expect(method.value).toBe('rome');
    method.value = 'memit';
    method.dispatchEvent(new Event('change'));
    part(view, 'again').click();
    const layer = part(view, 'again-layer') as HTMLInputElement;
    layer.value = '44';
    layer.dispatchEvent(new Event('change'));
    view.setOptions({ ...OPTIONS, note: 'Other interventions are on now: calm; none then.' });
    expect((part(view, 'again-layer') as HTMLInputElement).value).toBe('29'); // what was chosen outlives the picture
    part(view, 'again').click();
    part(view, 'compare').click();
    expect(asked.map(([, args]) => args)).toEqual([
      { again: { method: 'memit', layer: null } },
      { again: { method: 'memit', layer: 29 } },
      { show: NAME }
    ]);
  });

  it('asks another prompt, and shows what comes', () => {
    const { view, asked } = live();
    part(view, 'more').click();
    const field = part(view, 'prompt') as HTMLInputElement;
    field.value = 'Canberra lies in';
    press(field, 'Enter');
    expect(asked).toEqual([['explain', { prompt: 'Canberra lies in' }]]);
    const more = fixture();
    more.samples.push({ ...more.samples[1]!, prompt: 'Canberra lies in' });
    view.setPayload(more);
    expect(part(view, 'before').textContent).toContain('Canberra lies in');
  });

  it('lists the other edits of the ledger, each with its switch', () => {
    const other = { name: 'memit, 3 facts', method: 'memit', facts: '3 facts', on: false, shown: false };
    const { view, asked } = live({ history: [...OPTIONS.history, other] });
    expect(texts(view, 'past')).toEqual([`${NAME} shown here`, 'memit, 3 facts']);
    press(parts(view, 'past')[0]!, 'ArrowDown');
    expect(document.activeElement).toBe(parts(view, 'past')[1]);
    parts(view, 'past').forEach(one => one.click());
    parts(view, 'past-toggle')[1]!.click();
    expect(asked.map(([, args]) => args)).toEqual([
      { show: 'memit, 3 facts' },
      { toggle: { name: 'memit, 3 facts', on: true } }
    ]);
    expect(parts(live().view, 'history')).toHaveLength(0); // alone it is in the head already
  });

  it('asks for nothing new while it works, and tells of files that were written', () => {
    const { view, asked } = live({}, { status: running({ elapsed: 2 }) });
    expect((part(view, 'undo') as HTMLButtonElement).disabled).toBe(true);
    press(parts(view, 'token')[0]!, 'Escape');
    view.setStatus({ state: 'said', text: 'LoRA adapter written to /work/a-lora' });
    expect((part(view, 'undo') as HTMLButtonElement).disabled).toBe(false);
    expect(part(view, 'provenance').textContent).toBe('LoRA adapter written to /work/a-lora');
    part(view, 'export-lora').click();
    expect(asked).toEqual([
      ['cancel', null],
      ['explain', { export: 'lora' }]
    ]);
    expect(parts(live({ exports: [] }).view, 'export-lora')).toHaveLength(0);
  });

  it('sleeps without its model, and says what is gone', () => {
    const { view } = live({ live: false });
    expect(part(view, 'gone').textContent).toContain('no longer in memory');
    expect(parts(view, 'toggle')).toHaveLength(0);
    const gone = live({ state: 'gone' }).view;
    expect(part(gone, 'state').textContent).toContain('no longer in memory');
    expect(parts(gone, 'undo')).toHaveLength(0);
    expect(readOptions('nonsense')).toMatchObject({ live: false, state: 'gone' });
  });
});

describe('its widget', () => {
  it('ends the waiting with the answer where no status tells of it', async () => {
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
    part(view, 'toggle').click();
    expect((part(view, 'undo') as HTMLButtonElement).disabled).toBe(true);
    const { id } = model.sent.at(-1)!;
    model.emit('msg:custom', { id, result: { done: true } });
    await vi.waitFor(() => expect((part(view, 'undo') as HTMLButtonElement).disabled).toBe(false));
    dispose();
    expect(model.listening).toBe(0);
  });
});

describe('its files', () => {
  it('CSV has a row for each check and each next token', () => {
    const lines = csv(fixture()).split('\r\n');
    expect(lines[1]).toBe('fact,"The capital of Australia is","·Sydney","0.36","·Canberra","0.96","holds"');
    expect(lines.at(-2)).toBe('next token,"My flight lands in","·the","0.04","·the","< 0.0001",""');
    expect(lines).toHaveLength(7 + 6 + 2);
  });

  it('SVG is well-formed, with texts and checks', () => {
    for (const payload of [fixture(), large()]) {
      const page = new DOMParser().parseFromString(svg(payload, 0).text, 'image/svg+xml');
      expect(page.querySelector('parsererror')).toBeNull();
      expect(page.documentElement.textContent).toContain('Canberra');
    }
  });
});
