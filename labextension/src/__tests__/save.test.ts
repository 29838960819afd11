import { describe, expect, it, vi } from 'vitest';
import { csvText } from '../views/save/csv';
import { fileName } from '../views/save/download';
import { columns, escapeXml } from '../views/save/drawing';
import { csv } from '../views/highlight/save/csv';
import { svg } from '../views/highlight/save/svg';
import { fixtures, part, staticView } from './fakes';

function parse(text: string): Document {
  return new DOMParser().parseFromString(text, 'image/svg+xml');
}

describe('CSV', () => {
  it('has one row for each box, with plain numbers', () => {
    const lines = csv(fixtures.capital()).split('\r\n');
    expect(lines[0]).toBe('\ufefftokens,name,score,unit');
    expect(lines[4]).toBe('"3","·Australia",0.9,"log-odds"');
    expect(lines[5]).toBe('"4","·is",-0.35,"log-odds"');
    expect(lines).toHaveLength(7);
  });

  it('quotes, and takes the teeth out of formulas', () => {
    expect(csvText('say "hi", you')).toBe('"say ""hi"", you"');
    for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '＝1']) {
      expect(csvText(text)).toBe(`"'${text}"`);
    }
    expect(csvText('·=1')).toBe('"·=1"');
    expect(csv(fixtures.hostile())).toContain(`"'=1+1"`);
  });
});

describe('SVG', () => {
  it.each(Object.entries(fixtures))('of %s is well-formed, with every token and no script', (_, fixture) => {
    const payload = fixture();
    const { text, width, height } = svg(payload);
    const page = parse(text);
    expect(page.querySelector('parsererror')).toBeNull();
    expect(page.querySelectorAll('script, image, foreignObject, style')).toHaveLength(0);
    const titles = [...page.querySelectorAll('g > title')].map(title => title.textContent);
    expect(titles).toEqual(payload.boxes.map(box => `${box.name} ${box.label}`));
    expect(width).toBe(720);
    expect(height).toBeGreaterThan(100);
    expect(text).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  });

  it('wraps within its width', () => {
    const page = parse(svg(fixtures.long()).text);
    const rights = [...page.querySelectorAll('g > rect')].map(
      rect => Number(rect.getAttribute('x')) + Number(rect.getAttribute('width'))
    );
    expect(Math.max(...rights)).toBeLessThanOrEqual(720 - 16);
  });

  it('sets right-to-left words of a line in their own order', () => {
    const page = parse(svg(fixtures.hostile()).text);
    const left = (name: string): number => {
      const group = [...page.querySelectorAll('g')].find(found => found.textContent?.startsWith(name));
      return Number(group?.querySelector('rect')?.getAttribute('x'));
    };
    expect(left('·بالعالم')).toBeLessThan(left('·مرحبا'));
    expect(left('·بالعالم')).toBeGreaterThan(left('·&amp;'));
    // The last line begins with a Hebrew word, so it begins at the right.
    expect(left('שלום')).toBeGreaterThan(left("';--"));
  });

  it('escapes markup and characters that XML forbids', () => {
    expect(escapeXml(`<a b="c">&'`)).toBe('&lt;a b=&quot;c&quot;&gt;&amp;&#39;');
    expect(escapeXml('a\u0000b\ud800c\u001b')).toBe('a\ufffdb\ufffdc\ufffd');
  });

  it('counts columns as a mono face does', () => {
    expect(columns('abc')).toBe(3);
    expect(columns('漢字')).toBe(4);
    expect(columns('e\u0301')).toBe(1);
  });
});

describe('saving', () => {
  it('names files after the target', () => {
    expect(fileName('highlight', ' Canberra', 'csv')).toBe('highlight-Canberra.csv');
    expect(fileName('highlight', '../../etc/<x>', 'svg')).toBe('highlight-etc-x.svg');
    expect(fileName('highlight', '::', 'png')).toBe('highlight.png');
  });

  it('hands over a file from the menu', () => {
    const types: string[] = [];
    const createObjectURL = (content: Blob): string => {
      types.push(content.type);
      return 'blob:x';
    };
    vi.stubGlobal('URL', Object.assign(URL, { createObjectURL, revokeObjectURL: vi.fn() }));
    const clicked: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      clicked.push(this.download);
    });
    const view = staticView(fixtures.capital());
    part(view, 'save').click();
    expect(document.activeElement).toBe(part(view, 'save-png'));
    part(view, 'save-csv').click();
    part(view, 'save').click();
    part(view, 'save-svg').click();
    expect(clicked).toEqual(['highlight-Canberra.csv', 'highlight-Canberra.svg']);
    expect(types).toEqual(['text/csv;charset=utf-8', 'image/svg+xml']);
    vi.unstubAllGlobals();
  });

  it('copies the call that made the picture', async () => {
    const writeText = vi.fn(() => Promise.resolve());
    vi.stubGlobal('navigator', { ...navigator, clipboard: { writeText } });
    const view = staticView(fixtures.capital());
    part(view, 'copy').click();
    await vi.waitFor(() => expect(part(view, 'copy').textContent).toBe('Copied'));
    expect(writeText).toHaveBeenCalledWith(fixtures.capital().code);
    vi.unstubAllGlobals();
  });
});
