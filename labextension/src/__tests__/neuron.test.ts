import { describe, expect, it } from 'vitest';
import layer from './fixtures/neuron-layer.json';
import neuron from './fixtures/neuron.json';
import { NeuronView, readOptions } from '../views/neuron';
import { briefPayload, readPayload } from '../views/neuron/payload';
import { csv, svg } from '../views/neuron/save';
import widget from '../widgets/neuron';
import { FakeModel, onPage, part, parts, press, running } from './fakes';
import type { Live, NeuronPayload, Options } from '../views/neuron';

const fixture = (): NeuronPayload => structuredClone(neuron) as unknown as NeuronPayload;
const whole = (): NeuronPayload => structuredClone(layer) as unknown as NeuronPayload;
const OPTIONS: Options = { live: true };

const mounted = onPage(NeuronView, OPTIONS);
const still = (payload: unknown = fixture()) => mounted.still(payload);
const live = (changes: Partial<Live> = {}, payload: unknown = fixture()) => mounted.live(payload, changes);

const words = (payload: NeuronPayload) => payload.boxes.flatMap(entry => entry.words);
const token = (view: { element: HTMLElement }, index: number): HTMLElement =>
  part(view, 'token', `[data-index="${index}"]`);

/** The picture with a text of a person's own, which Python puts last. */
function withOwn(): NeuronPayload {
  const payload = fixture();
  const own = structuredClone(payload.boxes[2]!);
  return {
    ...payload,
    boxes: [
      ...payload.boxes,
      { ...own, tokens: [3], rank: 'yours', where: 'a text of your own', share: null }
    ]
  };
}

function type(field: HTMLElement, value: string): void {
  (field as HTMLInputElement).value = value;
  press(field, 'Enter');
}

describe('the neuron card', () => {
  it('draws every text with its peak and the activation of each token', () => {
    const payload = fixture();
    const view = still();
    expect(part(view, 'title').textContent).toBe('What makes neuron 301 of layer 8 fire?');
    expect(part(view, 'finding').textContent).toBe(payload.finding);
    expect(parts(view, 'entry').map(entry => entry.dataset.rank)).toEqual(['1', '2', '3']);
    expect(parts(view, 'peak').map(peak => peak.textContent)).toEqual(['+0.90', '+0.62', '+0.55']);
    expect(parts(view, 'token').map(item => Number(item.dataset.score))).toEqual(
      words(payload).map(word => word.score)
    );
    expect(parts(view, 'token').map(item => item.textContent)).toEqual(words(payload).map(word => word.text));
    const cup = token(view, 2);
    expect(cup.classList.contains('iw-for')).toBe(true);
    expect(cup.style.getPropertyValue('--s')).toBe('1.0000');
    expect(token(view, 3).classList.contains('iw-against')).toBe(true);
    // A faint activation has no bar, whatever its sign.
    expect(token(view, 1).style.getPropertyValue('--h')).toBe('0px');
    expect(view.element.querySelector('[data-iw="neuron-number"], [data-iw="own-text"]')).toBeNull();
  });

  it('names the token in hand, its text, and the parts of a character', () => {
    const view = still();
    token(view, 2).focus();
    const readout = part(view, 'readout');
    expect(readout.textContent).toBe(
      `·cup+0.90activationtext 0, peak ·cup +0.90, ${fixture().boxes[0]!.share!} of the neuron’s activation`
    );
    token(view, 0).focus();
    expect(readout.textContent).toContain('<s>special token, not counted');
    const emoji = words(fixture()).findIndex(word => word.parts.length > 0);
    token(view, emoji).focus();
    expect(readout.textContent).toContain(
      '·👋+0.62activation3 tokens: ·⟨F0 9F⟩ +0.10, ⟨91⟩ +0.62, ⟨8B⟩ −0.20'
    );
    expect(readout.getAttribute('aria-live')).toBe('polite');
  });

  it('is entered once, at the first peak, and n and p go from peak to peak', () => {
    const view = still();
    const list = part(view, 'tokens');
    const entered = list.querySelectorAll('[tabindex="0"]');
    expect(entered).toHaveLength(1);
    expect(entered[0]).toBe(token(view, 2));
    token(view, 2).focus();
    press(document.activeElement!, 'n');
    expect(document.activeElement!.textContent).toBe(' 👋');
    press(document.activeElement!, 'n');
    expect(document.activeElement!.textContent).toBe(' last');
    press(document.activeElement!, 'n');
    expect(document.activeElement!.textContent).toBe(' last');
    press(document.activeElement!, 'p');
    press(document.activeElement!, 'p');
    expect(document.activeElement).toBe(token(view, 2));
    press(document.activeElement!, 'ArrowRight');
    expect(document.activeElement).toBe(token(view, 3));
    press(document.activeElement!, 'End');
    expect(document.activeElement).toBe(parts(view, 'token').at(-1));
  });

  it('selects whole texts', () => {
    const { view, asked } = live();
    token(view, 3).click();
    expect(asked.at(-1)).toEqual(['select', [0]]);
    expect(parts(view, 'entry').map(entry => entry.classList.contains('iw-chosen'))).toEqual([
      true,
      false,
      false
    ]);
    view.setSelection([1, 2]);
    expect(parts(view, 'entry').map(entry => entry.classList.contains('iw-chosen'))).toEqual([
      false,
      true,
      true
    ]);
    expect(token(view, 0).getAttribute('aria-selected')).toBe('false');
  });

  it('has a histogram that keys can read, with the region of the peaks marked', () => {
    const { bars } = fixture().histogram!;
    const view = still();
    expect(parts(view, 'bar').map(bar => Number(bar.dataset.count))).toEqual(bars.map(bar => bar.count));
    expect(parts(view, 'bar').map(bar => bar.classList.contains('iw-for'))).toEqual(bars.map(bar => bar.top));
    const plot = part(view, 'histogram');
    const first = bars.findIndex(bar => bar.top);
    expect(plot.querySelectorAll('[tabindex="0"]')).toHaveLength(1);
    expect(parts(view, 'bar')[first]!.tabIndex).toBe(0);
    parts(view, 'bar')[first]!.focus();
    expect(part(view, 'readout').textContent).toContain(`activation of ${bars[first]!.name}, in the region`);
    press(document.activeElement!, 'ArrowLeft');
    const before = bars[first - 1]!;
    expect(part(view, 'readout').textContent).toBe(
      `${before.label} ${before.count === 1 ? 'token' : 'tokens'}with an activation of ${before.name}`
    );
    press(document.activeElement!, 'Home');
    expect(document.activeElement).toBe(parts(view, 'bar')[0]);
  });

  it('marks a region below zero with its pattern', () => {
    const payload = fixture();
    payload.histogram!.bars.forEach(bar => {
      bar.top = bar.negative;
    });
    const view = still(payload);
    expect(parts(view, 'bar').map(bar => bar.classList.contains('iw-against'))).toEqual(
      payload.histogram!.bars.map(bar => bar.negative)
    );
  });

  it('lists what the output weight promotes and demotes', () => {
    const view = still();
    expect(part(view, 'promoted').textContent).toBe('Promotes·trophy+9.50·final+7.25·match+3.00·winner+1.50');
    expect(part(view, 'demoted').textContent).toContain('⏎−4.50');
    expect(part(view, 'demoted').querySelector('.iw-against')).not.toBeNull();
    expect(part(view, 'figures').textContent).toContain('largest 0.90');
  });

  it('shows the same as tables', () => {
    const payload = fixture();
    const view = still();
    part(view, 'table-toggle').click();
    const cells = (hook: string): string[][] =>
      [...part(view, hook).querySelectorAll('tbody tr')].map(row =>
        [...row.querySelectorAll('td')].map(cell => cell.textContent ?? '')
      );
    expect(cells('table-texts')[0]).toEqual([
      '1',
      '+0.90',
      '·cup',
      payload.boxes[0]!.share,
      '<s>The cup was won'
    ]);
    expect(cells('table-histogram')).toEqual(
      payload.histogram!.bars.map(bar => [bar.name, bar.label, bar.top ? 'yes' : ''])
    );
    expect(cells('table-weights')[1]).toEqual(['·final', '+7.25', '⏎', '−4.50']);
    part(view, 'table-toggle').click();
    expect(parts(view, 'entry')).toHaveLength(3);
  });

  it('shows a caution with its reasons', () => {
    const view = still({
      ...fixture(),
      verdict: { word: 'caution', sentence: '3 of these 3 peaks stand on the first token', why: ['A sink.'] }
    });
    expect(part(view, 'verdict').textContent).toContain('▲ caution');
    part(view, 'why-toggle').click();
    expect(part(view, 'why').textContent).toBe('A sink.');
  });
});

describe('a layer', () => {
  it('shows the peaks of any neuron without a kernel', () => {
    const view = still(whole());
    const field = part(view, 'neuron-number');
    expect((field as HTMLInputElement).value).toBe('0');
    type(field, '2');
    expect(part(view, 'title').textContent).toBe('What makes neuron 2 of layer 8 fire?');
    expect(parts(view, 'peak').map(peak => peak.textContent)).toEqual(
      whole().layer!.neurons[2]!.map(brief => brief[0])
    );
    expect(parts(view, 'token').map(item => item.textContent)).toContain(' cup');
    expect(view.element.querySelector('[data-iw="histogram"]')).toBeNull();
    token(view, 0).focus();
    expect(part(view, 'readout').textContent).toContain('not computed');
    type(part(view, 'neuron-number'), '0');
    expect(part(view, 'histogram')).not.toBeNull();
    type(part(view, 'neuron-number'), '99');
    expect(part(view, 'title').textContent).toContain('neuron 3');
  });

  it('asks the kernel for another one', () => {
    const { view, asked } = live({}, whole());
    type(part(view, 'neuron-number'), '2');
    expect(asked).toEqual([['explain', { neuron: 2 }]]);
    view.setStatus(running({ elapsed: 2 }));
    expect(part(view, 'cancel')).not.toBeNull();
    press(view.element, 'Escape');
    expect(asked.at(-1)).toEqual(['cancel', null]);
  });

  it('gives the whole picture back for its own neuron and for one that it does not hold', () => {
    const payload = whole();
    expect(briefPayload(payload, 0)).toBe(payload);
    expect(briefPayload(payload, 9)).toBe(payload);
    expect(briefPayload(fixture(), 2).title).toEqual(fixture().title);
    expect(briefPayload(payload, 1).scale.label).toBe('0.45');
  });
});

describe('with a kernel', () => {
  it('reads a text of a person’s own and draws it first', () => {
    const { view, asked } = live();
    type(part(view, 'own-text'), 'The cup');
    expect(asked).toEqual([['explain', { text: 'The cup' }]]);
    view.setPayload(withOwn());
    expect(parts(view, 'entry').map(entry => entry.dataset.rank)).toEqual(['yours', '1', '2', '3']);
    token(view, 0).click();
    expect(asked.at(-1)).toEqual(['select', [3]]);
    view.setSelection([0]);
    expect(parts(view, 'entry')[1]!.classList.contains('iw-chosen')).toBe(true);
  });

  it('says when the model is gone', () => {
    const { view } = live({ options: { live: false } });
    expect(part(view, 'gone').textContent).toContain('no longer in memory');
    expect(view.element.querySelector('[data-iw="own-text"]')).toBeNull();
    view.setOptions({ live: true });
    expect(part(view, 'own-text')).not.toBeNull();
    expect(readOptions(null)).toEqual({ live: false });
  });

  it('is a widget over its model', () => {
    const model = new FakeModel({
      payload: fixture(),
      options: OPTIONS,
      status: { state: 'idle' },
      selection: []
    });
    const el = document.createElement('div');
    document.body.replaceChildren(el);
    const dispose = widget.render({ model, el });
    expect(el.querySelectorAll('[data-iw="entry"]')).toHaveLength(3);
    model.set('payload', withOwn());
    expect(el.querySelectorAll('[data-iw="entry"]')).toHaveLength(4);
    dispose();
    expect(model.listening).toBe(0);
  });
});

describe('what is taken along', () => {
  it('is a table of every token that counts', () => {
    const lines = csv(fixture()).replace('\ufeff', '').trim().split('\r\n');
    expect(lines[0]).toBe('rank,text,token,activation');
    expect(lines[1]).toBe('"1","text 0","The",0.02');
    expect(lines).toHaveLength(1 + words(fixture()).filter(word => word.label !== '').length);
  });

  it('is a picture with every text and the histogram', () => {
    const payload = fixture();
    const drawing = svg(payload);
    const document = new DOMParser().parseFromString(drawing.text, 'image/svg+xml');
    expect(document.querySelector('parsererror')).toBeNull();
    const said = document.documentElement.textContent ?? '';
    for (const entry of payload.boxes) {
      expect(said).toContain(entry.peak.label);
    }
    expect(said).toContain('promotes: ·trophy +9.50');
    expect(document.querySelectorAll('line')).toHaveLength(2);
    expect(svg(briefPayload(whole(), 1)).text).toContain('neuron 1');
  });
});

describe('payloads that cannot be drawn', () => {
  it.each([
    ['histogram', null],
    ['boxes', [{ words: [] }]],
    ['promoted', ['x']],
    ['layer', { neurons: 3 }],
    ['settings', {}]
  ])('names a damaged %s', (name, value) => {
    expect(readPayload({ ...fixture(), [name]: value })).toContain('damaged');
    expect(still({ ...fixture(), [name]: value }).element.textContent).toContain('damaged');
  });
});
