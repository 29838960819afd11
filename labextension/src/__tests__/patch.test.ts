import { describe, expect, it } from 'vitest';
import patch from './fixtures/patch.json';
import { PatchView } from '../views/patch';
import { csv, svg } from '../views/patch/save';
import { agreementWords, pairsOf } from '../views/patch/scatter';
import widget from '../widgets/patch';
import { FakeModel, onPage, part, parts, press } from './fakes';
import type { Live, Options, PatchPayload } from '../views/patch';

const fixture = (): PatchPayload => structuredClone(patch) as unknown as PatchPayload;
const OPTIONS: Options = { live: true, ask: true };
const mounted = onPage(PatchView, OPTIONS);
const still = (payload: unknown = fixture()) => mounted.still(payload);
const live = (changes: Partial<Live> = {}, payload: unknown = fixture()) => mounted.live(payload, changes);

type Drawn = { element: HTMLElement };
const cell = (view: Drawn, row: number, column: number): HTMLElement =>
  part(view, 'cell', `[data-row="${row}"][data-index="${column}"]`);
const tab = (view: Drawn, key: string): HTMLElement => part(view, 'tab', `[data-key="${key}"]`);
const lit = (view: Drawn): string[] =>
  parts(view, 'piece')
    .filter(piece => piece.classList.contains('iw-lit'))
    .map(piece => piece.textContent);

describe('patching', () => {
  it('has both prompts, and says what differs and what stands for what', () => {
    const view = still();
    expect(part(view, 'title').textContent).toBe(
      'Which clean activations bring back ·Paris rather than ·Rome?'
    );
    expect(parts(view, 'prompt').map(prompt => prompt.textContent)).toEqual([
      'clean run, where the activations come fromThe Eiffel Tower is in',
      'corrupted run, patchedThe Colosseum is in'
    ]);
    expect(
      parts(view, 'piece')
        .filter(piece => piece.classList.contains('iw-differing'))
        .map(piece => piece.textContent)
    ).toEqual([' Eiffel', ' Tower', ' Col', 'osseum']);
    expect(part(view, 'pairs').textContent).toBe(
      'Differs, token by token: ·Col by nothing, osseum by ·Tower'
    );
    expect(parts(view, 'row-head').map(head => head.textContent)).toEqual([
      'The',
      '·Col← none, differs',
      'osseum← ·Tower, differs',
      '·is',
      '·in'
    ]);
  });

  it('lights both tokens of a row that is looked at', () => {
    const view = still();
    cell(view, 2, 0).focus();
    expect(lit(view)).toEqual([' Tower', 'osseum']);
    cell(view, 1, 0).focus();
    expect(lit(view)).toEqual([' Col']);
    part(view, 'piece', '[data-run="0"][data-at="2"]').dispatchEvent(
      new MouseEvent('pointerover', { bubbles: true })
    );
    expect(lit(view)).toEqual([' Tower', 'osseum']);
  });

  it('reads a cell: from the patched run on, towards the other, exact and estimated', () => {
    const view = still();
    cell(view, 2, 0).focus();
    expect(part(view, 'readout').textContent).toBe(
      'osseum← ·Towerlayer 0:−2.00 → 3.40clean run 3.00' +
        'effect: exact +1.08; first-order estimate +0.86 (share of the way to the clean run)'
    );
    cell(view, 1, 0).focus();
    expect(part(view, 'readout').textContent).toContain('not measured');
    expect(cell(view, 1, 0).getAttribute('aria-label')).toBe('·Col, layer 0: not measured');
    expect(part(view, 'legend').textContent).toContain('dotted: not measured');
  });

  it('turns to the estimate and back, on the same scale', () => {
    const view = still();
    const exact = parts(view, 'cell').map(item => item.textContent);
    expect(exact).toEqual(fixture().sheets[0]!.exact.labels.flat());
    tab(view, 'first').click();
    expect(parts(view, 'cell').map(item => item.textContent)).toEqual(
      fixture().sheets[0]!.first!.labels.flat()
    );
    expect(cell(view, 2, 0).style.getPropertyValue('--s')).toBe('0.8000');
    cell(view, 2, 0).focus();
    expect(part(view, 'readout').textContent).toContain('first-order estimate +0.86; exact +1.08');
    tab(view, 'exact').click();
    expect(parts(view, 'cell').map(item => item.textContent)).toEqual(exact);
  });

  it('begins with the estimate where only a sample was measured, and says how far it goes', () => {
    const payload = { ...fixture(), sparse: true, beyond: '3.20' };
    const view = still(payload);
    expect(tab(view, 'first').getAttribute('aria-selected')).toBe('true');
    expect(tab(view, 'exact').textContent).toBe('exact, a sample');
    expect(part(view, 'legend').textContent).toContain('estimates reach 3.20, past the scale');
  });

  it('shows exact against estimate as dots, with the correlation in words', () => {
    const payload = fixture();
    const view = still(payload);
    const sheet = payload.sheets[0]!;
    expect(pairsOf(sheet.exact, sheet.first!)).toHaveLength(24);
    expect(view.element.querySelectorAll('.iw-dot')).toHaveLength(24);
    expect(part(view, 'agreement').textContent).toBe(
      'first-order estimate against exact patching on 48 cells: correlation 0.93, of ranks 0.81'
    );
    const none = { ...payload, agreement: { pearson: null, spearman: null, cells: '2 cells' } };
    expect(agreementWords(none)).toContain('no correlation can be told on 2 cells');
    const without = {
      ...payload,
      agreement: null,
      sheets: payload.sheets.map(one => ({ ...one, first: null }))
    };
    expect(parts(still(without), 'scatter')).toHaveLength(0);
  });

  it('has tables with the same numbers', () => {
    const payload = fixture();
    const view = still();
    part(view, 'table-toggle').click();
    const rows = parts(view, 'row').map(row => [...row.children].slice(1).map(item => item.textContent));
    const shown = (labels: string[][]) => labels.map(line => line.map(label => (label === '' ? '–' : label)));
    expect(rows).toEqual([
      ...shown(payload.sheets[0]!.exact.labels),
      ...shown(payload.sheets[0]!.first!.labels)
    ]);
    expect(part(view, 'pairs-table').textContent).toContain('·Towerosseumdiffers');
  });

  it('asks for another site where a model is there and the prompts can be written', () => {
    const { view, asked } = live();
    expect(parts(view, 'tab').map(item => item.textContent)).toEqual([
      'after layer',
      'MLP',
      'before layer …',
      'attention …',
      'exact',
      'first-order'
    ]);
    tab(view, 'attn_out').click();
    expect(asked).toEqual([['explain', { site: 'attn_out' }]]);
    view.setOptions({ live: true, ask: false });
    expect(parts(view, 'tab')).toHaveLength(4);
    view.setOptions({ live: false, ask: true });
    expect(part(view, 'gone').textContent).toContain('no longer in memory');
  });

  it('chooses a cell, lets it go, and shows selected tokens', () => {
    const { view } = live({ selection: [2] });
    expect(part(view, 'piece', '[data-run="1"][data-at="2"]').classList.contains('iw-selected')).toBe(true);
    cell(view, 2, 3).click();
    expect(cell(view, 2, 3).getAttribute('aria-selected')).toBe('true');
    press(cell(view, 2, 3), 'Escape');
    expect(cell(view, 2, 3).getAttribute('aria-selected')).toBe('false');
  });

  it.each([
    [null, 'no patching'],
    [{ version: 2 }, 'format version 2'],
    [{ ...patch, sheets: [{ ...patch.sheets[0], exact: null }] }, 'damaged']
  ])('says in words what it cannot draw', (payload, words) => {
    expect(part(still(payload), 'unreadable').textContent).toContain(words);
  });

  it('keeps token text as text', () => {
    const payload = fixture();
    payload.rows[2]!.name = payload.rows[2]!.note = payload.runs[0]!.tokens[1]!.text = '<img src=x>';
    const view = still(payload);
    cell(view, 2, 1).click();
    part(view, 'table-toggle').click();
    expect(view.element.querySelectorAll('img, script')).toHaveLength(0);
    expect(svg(payload, payload.sheets[0]!, false).text).not.toContain('<img');
  });
});

describe('its files', () => {
  it('CSV has a row for each site, row and layer; empty where nothing was measured', () => {
    const lines = csv(fixture()).split('\r\n');
    expect(lines[0]).toBe('\ufeffsite,token,name,layer,value,effect,first_order');
    expect(lines[7]).toBe('resid_post,1,"·Col",0,"",,');
    expect(lines[13]).toBe('resid_post,2,"osseum",0,"3.40",1.08,0.864');
    expect(lines).toHaveLength(2 * 30 + 2);
  });

  it.each([false, true])('SVG is well-formed (estimates: %s)', first => {
    const payload = fixture();
    const page = new DOMParser().parseFromString(
      svg(payload, payload.sheets[0]!, first).text,
      'image/svg+xml'
    );
    expect(page.querySelector('parsererror')).toBeNull();
    expect(page.querySelectorAll('g > title')).toHaveLength(30);
    expect(page.documentElement.textContent).toContain('The Eiffel Tower is in');
  });
});

describe('its widget', () => {
  it('tells of the chosen cell', () => {
    const model = new FakeModel({
      payload: fixture(),
      options: OPTIONS,
      status: { state: 'idle' },
      selection: [],
      place: []
    });
    const el = document.createElement('div');
    document.body.replaceChildren(el);
    const dispose = widget.render({ model, el });
    tab({ element: el }, 'mlp_out').click();
    cell({ element: el }, 2, 4).click();
    expect(model.get('place')).toEqual(['mlp_out', 2, 4]);
    dispose();
    expect(model.listening).toBe(0);
  });
});
