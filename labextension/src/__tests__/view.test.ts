import { describe, expect, it } from 'vitest';
import { fixtures, liveView, part, parts, staticView } from './fakes';

describe('the picture', () => {
  it('shows every token as running text, named with its value', () => {
    const payload = fixtures.capital();
    const view = staticView(payload);
    const tokens = parts(view, 'token');
    expect(tokens.map(token => token.textContent).join('')).toBe('The capital of Australia is');
    expect(tokens.map(token => token.getAttribute('aria-label'))).toEqual(
      payload.boxes.map(box => `${box.name} ${box.label} log-odds`)
    );
    expect(tokens.map(token => Number(token.dataset.score))).toEqual([0.06, 0.42, -0.08, 0.9, -0.35]);
  });

  it('tells the sign by pattern and the size by height, not by colour alone', () => {
    const view = staticView(fixtures.capital());
    const tokens = parts(view, 'token');
    expect(tokens.map(token => token.classList.contains('iw-against'))).toEqual([
      false,
      false,
      true,
      false,
      true
    ]);
    expect(tokens.map(token => token.style.getPropertyValue('--h'))).toEqual([
      '1px',
      '4px',
      '1px',
      '8px',
      '3px'
    ]);
    expect(tokens[3]?.style.getPropertyValue('--s')).toBe('1.0000');
  });

  it('asks the question, gives the verdict in shape, word and sentence, and says where it is from', () => {
    const payload = fixtures.capital();
    const view = staticView(payload);
    expect(part(view, 'title').textContent).toBe('What pulls towards ·Canberra, away from ·Sydney?');
    expect(part(view, 'verdict').textContent).toContain('● trust');
    expect(part(view, 'verdict').textContent).toContain(payload.verdict.sentence);
    expect(part(view, 'provenance').textContent).toBe(payload.provenance.join(' · '));
    expect(part(view, 'legend').textContent).toContain('largest score 0.90 log-odds');
    expect(view.element.getAttribute('aria-labelledby')).toBe(part(view, 'title').id);
    expect(view.element.querySelector('[data-iw="why-toggle"]')).toBeNull();
  });

  it('mutes a picture that is not to be trusted and folds out why', () => {
    const payload = fixtures.doNotTrust();
    const view = staticView(payload);
    expect(view.element.classList.contains('iw-muted')).toBe(true);
    expect(part(view, 'verdict').textContent).toContain('■ do not trust');
    expect(part(view, 'why').hidden).toBe(true);
    part(view, 'why-toggle').click();
    expect(part(view, 'why').hidden).toBe(false);
    expect(part(view, 'why-toggle').getAttribute('aria-expanded')).toBe('true');
    expect([...part(view, 'why').children].map(child => child.textContent)).toEqual(payload.verdict.why);
  });

  it('says a sum only where the payload has one', () => {
    expect(parts(staticView(fixtures.capital()), 'sum')).toHaveLength(0);
    expect(part(staticView(fixtures.doNotTrust()), 'sum').textContent).toBe(
      'The scores sum to 21.0; 16.0 is due.'
    );
  });

  it('lists the strongest tokens by absolute score', () => {
    const view = staticView(fixtures.capital());
    expect(parts(view, 'strong').map(row => row.dataset.index)).toEqual(['3', '1', '4', '2', '0']);
    part(view, 'strong').click();
    expect(document.activeElement).toBe(part(view, 'token', '[data-index="3"]'));
  });

  it('looks at what a moving pointer points at, not at what scrolls under a resting one', () => {
    const view = staticView(fixtures.capital());
    const tokens = parts(view, 'token');
    const move = (token: HTMLElement, x: number) =>
      token.dispatchEvent(new MouseEvent('pointermove', { bubbles: true, screenX: x }));
    move(tokens[1]!, 10);
    expect(part(view, 'readout').textContent).toContain('·capital');
    tokens[4]!.focus();
    move(tokens[2]!, 10);
    expect(part(view, 'readout').textContent).toContain('·is');
    move(tokens[2]!, 11);
    expect(part(view, 'readout').textContent).toContain('·of');
  });

  it('keeps chat turns as named groups', () => {
    const view = staticView(fixtures.chat());
    expect(parts(view, 'group').map(group => group.getAttribute('aria-label'))).toEqual([
      'template',
      'system',
      'template',
      'user',
      'template'
    ]);
    expect(parts(view, 'token')).toHaveLength(fixtures.chat().boxes.length);
  });

  it('has a table with the same numbers', () => {
    const payload = fixtures.hostile();
    const view = staticView(payload);
    part(view, 'table-toggle').click();
    expect(parts(view, 'token')).toHaveLength(0);
    const rows = parts(view, 'row');
    expect(rows.map(row => row.lastElementChild?.textContent)).toEqual(payload.boxes.map(box => box.label));
    expect(rows[5]?.textContent).toContain('⟨F0 9F 91⟩ +0.40');
    expect(document.activeElement === document.body || view.element.contains(document.activeElement)).toBe(
      true
    );
    part(view, 'table-toggle').click();
    expect(parts(view, 'token')).toHaveLength(payload.boxes.length);
  });

  it('draws 300 tokens without losing one', () => {
    const view = staticView(fixtures.long());
    expect(parts(view, 'token')).toHaveLength(300);
    expect(part(view, 'total').textContent).toContain('300 tokens');
  });

  it('shows the candidates with probabilities and roles', () => {
    const view = staticView(fixtures.capital());
    const rows = parts(view, 'candidate');
    expect(rows[0]?.textContent).toContain('0.36');
    expect(rows.map(row => row.dataset.role)).toEqual([
      'foil',
      'target',
      undefined,
      undefined,
      undefined,
      undefined
    ]);
    expect(rows.every(row => row.tagName === 'DIV')).toBe(true);
  });

  it('draws a scale of zero', () => {
    const payload = fixtures.capital();
    payload.boxes.forEach(box => {
      box.score = 0;
      box.label = '0.00';
    });
    payload.scale = { max: 0, label: '0.00', unit: 'logit' };
    const view = staticView(payload);
    expect(parts(view, 'token').every(token => token.style.getPropertyValue('--h') === '0px')).toBe(true);
    expect(part(view, 'readout').textContent).toBe('All scores are zero.');
  });

  it.each([
    [null, 'no highlight'],
    [{}, 'was closed'],
    [{ version: 2 }, 'format version 2'],
    [{ version: 1, title: [] }, 'damaged']
  ])('says in words what it cannot draw: %j', (payload, words) => {
    expect(part(staticView(payload), 'unreadable').textContent).toContain(words);
  });
});

describe('the live view', () => {
  it('says what it is', () => {
    const { view } = liveView(fixtures.capital());
    expect(view.element.dataset.state).toBe('live');
    expect(view.element.dataset.status).toBe('idle');
    expect(staticView(fixtures.capital()).element.dataset.state).toBe('static');
  });

  it('keeps the focus and what is folded out when a new picture comes', () => {
    const { view } = liveView(fixtures.doNotTrust());
    part(view, 'why-toggle').click();
    part(view, 'token', '[data-index="2"]').focus();
    const next = fixtures.doNotTrust();
    next.provenance = ['new'];
    view.setPayload(next);
    expect(part(view, 'provenance').textContent).toBe('new');
    expect(part(view, 'why').hidden).toBe(false);
    expect(document.activeElement).toBe(part(view, 'token', '[data-index="2"]'));
    expect(part(view, 'announcer').textContent).toContain('do not trust');
  });

  it('disables what needs a model that is gone, and says so', () => {
    const { view } = liveView(fixtures.capital(), {
      options: { methods: [], baselines: [], quadratures: [], steps: { min: 1, max: 2 }, live: false }
    });
    expect((part(view, 'method') as HTMLSelectElement).disabled).toBe(true);
    expect(part(view, 'gone').textContent).toContain('no longer in memory');
    expect(part(view, 'candidate').tagName).toBe('DIV');
  });
});
