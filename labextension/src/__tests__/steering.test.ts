import { describe, expect, it } from 'vitest';
import { readPayload, strengthLabel } from '../views/steering/payload';
import { csv, svg } from '../views/steering/save';
import { part, parts, press } from './fakes';
import { payload, still, texts } from './steeringFakes';

describe('the console as a picture', () => {
  it('has both texts, coloured by the first vector, with their differences', () => {
    const view = still(payload());
    expect(texts(view)).toEqual([' long and I went home.', ' wonderful and we danced']);
    const tokens = parts(view, 'token');
    expect(tokens.map(token => Number(token.dataset.score))).toEqual(
      payload().boxes.map(box => box.scores[0])
    );
    expect(tokens[0]!.classList.contains('iw-gone')).toBe(true);
    expect(tokens[1]!.classList.contains('iw-gone')).toBe(false);
    expect(tokens[6]!.classList.contains('iw-new')).toBe(true);
    expect(tokens[6]!.getAttribute('aria-label')).toBe('·wonderful +1.10 sentiment, differs');
    expect(part(view, 'verdict').dataset.word).toBe('trust');
    expect(view.element.dataset.state).toBe('static');
  });

  it('shows where each vector stood, and has nothing to set', () => {
    const view = still(payload());
    expect(parts(view, 'strength').map(value => value.textContent)).toEqual(['+0.075', '0.000']);
    expect(parts(view, 'bounds')[0]!.textContent).toBe('bounds −0.100 to +0.100');
    expect(part(view, 'prompt').textContent).toBe('The party was');
    expect(view.element.querySelectorAll('input, textarea, [data-iw="more"], [data-iw="past"]')).toHaveLength(
      0
    );
    expect(part(view, 'fill').hidden).toBe(true);
  });

  it('has gauges on one scale, with their zero in the middle where they have a sign', () => {
    const view = still(payload());
    const bars = parts(view, 'gauge-bar').map(row => row.querySelector<HTMLElement>('.iw-bar')!);
    expect(bars[1]!.style.getPropertyValue('--w')).toBe('100.00%');
    expect(bars[2]!.classList.contains('iw-against')).toBe(true);
    expect(Number.parseFloat(bars[2]!.style.getPropertyValue('--from'))).toBeLessThan(50);
    expect(parts(view, 'change').map(change => change.textContent)).toEqual(
      payload().gauges.map(gauge => gauge.change)
    );
  });

  it('changes its colours without asking', () => {
    const view = still(payload());
    const choice = part(view, 'colour') as HTMLSelectElement;
    choice.value = '1';
    choice.dispatchEvent(new Event('change'));
    expect(parts(view, 'token').map(token => Number(token.dataset.score))).toEqual(
      payload().boxes.map(box => box.scores[1])
    );
    expect(part(view, 'legend').textContent).toContain('casual (hatched)');
  });

  it('names a token with its score along each vector', () => {
    const view = still(payload());
    parts(view, 'token')[6]!.focus();
    expect(part(view, 'readout').textContent).toBe(
      '·wonderfulsentiment+1.10formality+0.40probability 0.50, differs'
    );
    press(document.activeElement!, 'End');
    expect(part(view, 'readout').textContent).toContain('·danced');
  });

  it('reads the text of a cell by arrow keys', () => {
    const view = still(payload());
    const cells = parts(view, 'cell');
    expect(cells.map(cell => cell.querySelector('.iw-cell-number')?.textContent)).toEqual(
      payload().grid!.rows.flatMap(row => row.cells.map(cell => cell.label))
    );
    expect(part(view, 'grid').querySelectorAll('[tabindex="0"]')).toHaveLength(1);
    cells[1]!.focus();
    press(document.activeElement!, 'ArrowRight');
    press(document.activeElement!, 'ArrowDown');
    expect(document.activeElement).toBe(cells[5]);
    expect(part(view, 'cell-text').textContent).toContain('layer 12, strength +0.100');
    expect(part(view, 'cell-text').textContent).toContain('down down down');
    expect(cells[5]!.getAttribute('aria-label')).toContain('perplexity 2.30 times');
    press(document.activeElement!, 'Home');
    expect(document.activeElement).toBe(cells[3]);
  });

  it('has a table with the same numbers', () => {
    const view = still(payload());
    part(view, 'table-toggle').click();
    expect(parts(view, 'row').map(row => [...row.children].map(cell => cell.textContent))).toEqual(
      payload().texts.flatMap(side =>
        payload()
          .boxes.slice(side.start, side.end)
          .map(box => [side.name, box.name, box.probability, ...box.labels, box.differs ? 'differs' : ''])
      )
    );
  });

  it('is saved as table and picture', () => {
    const lines = csv(payload()).split('\r\n');
    expect(lines[0]).toBe('\ufefftext,tokens,name,probability,differs,"sentiment","formality"');
    expect(lines[7]).toBe('steered,"6","·wonderful","0.50",true,1.1,0.4');
    const drawing = svg(payload(), 0).text;
    expect(drawing).toContain('wonderful');
    expect(drawing).toContain('perplexity: unsteered');
  });

  it('says what cannot be drawn', () => {
    expect(readPayload({ ...payload(), boxes: [{}] })).toContain('damaged');
    expect(readPayload({ ...payload(), version: 2 })).toContain('format version 2');
    expect(readPayload({})).toContain('closed');
    expect(part(still({ ...payload(), texts: null }), 'unreadable').textContent).toContain('damaged');
  });

  it('writes strengths as Python does', () => {
    expect([0.075, -0.1, 0, -0.0001].map(strengthLabel)).toEqual(['+0.075', '−0.100', '0.000', '0.000']);
  });

  it('never takes a text for markup', () => {
    const hostile = payload();
    hostile.boxes[6]!.text = '<img src=x>';
    hostile.vectors[0]!.name = '<b>v</b>';
    hostile.grid!.rows[0]!.cells[0]!.texts = ['<script>1</script>'];
    const view = still(hostile);
    parts(view, 'cell')[0]!.focus();
    expect(view.element.querySelectorAll('img, script')).toHaveLength(0);
    expect(part(view, 'cell-text').textContent).toContain('<script>1</script>');
  });
});
