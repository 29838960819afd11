import { describe, expect, it } from 'vitest';
import { fixtures, liveView, part, parts, staticView } from './fakes';

const MARKUP = 'script, style, img, b, iframe, object, svg, link';

describe('token text is data', () => {
  it('never becomes an element, in the picture or in the table', () => {
    const view = staticView(fixtures.hostile());
    expect(view.element.querySelectorAll(MARKUP).length).toBe(
      view.element.querySelectorAll('b.iw-value').length
    );
    part(view, 'table-toggle').click();
    expect(view.element.querySelectorAll(MARKUP)).toHaveLength(0);
  });

  it('is drawn letter for letter', () => {
    const payload = fixtures.hostile();
    const view = staticView(payload);
    expect(parts(view, 'token').map(token => token.textContent)).toEqual(payload.boxes.map(box => box.text));
    expect(part(view, 'title').textContent).toContain('</script><script>alert(3)</script>');
    expect(part(view, 'verdict').textContent).toContain('<b>not bold</b> & "quoted" </style>');
  });

  it('stays text in errors and settings', () => {
    const { view } = liveView(fixtures.hostile(), {
      status: {
        state: 'error',
        title: '<img src=x>',
        message: '<script>1</script>',
        fix: { label: '<b>fix</b>', args: {} },
        traceback: '</pre><script>2</script>'
      }
    });
    expect(view.element.querySelectorAll('img, script')).toHaveLength(0);
    expect(part(view, 'error').textContent).toContain('<script>1</script>');
    expect(part(view, 'traceback').textContent).toBe('</pre><script>2</script>');
    expect((part(view, 'target') as HTMLInputElement).value).toBe(' <script>');
  });

  it('keeps the direction of each line, and isolates names', () => {
    const view = staticView(fixtures.hostile());
    const runs = [...view.element.querySelectorAll('.iw-run')].map(run => run.getAttribute('dir'));
    expect(runs).toEqual(['ltr', 'ltr', 'rtl']);
    expect(parts(view, 'candidate').every(row => row.querySelector('bdi') !== null)).toBe(true);
  });

  it('draws tokens that share a character as one box, with parts in the readout', () => {
    const { view, asked } = liveView(fixtures.hostile());
    const emoji = part(view, 'token', '[data-index="5"]');
    emoji.click();
    expect(asked.at(-1)).toEqual(['select', [15, 16, 17]]);
    expect(part(view, 'readout').textContent).toContain('3 tokens: ⟨F0 9F 91⟩ +0.40, ⟨A9⟩ +0.12');
  });
});
