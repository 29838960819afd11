import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { INK } from '../views/heat/map';

const css = readFileSync('style/theme.css', 'utf8');

type Rgb = [number, number, number];
type Theme = 'light' | 'dark';

/** What JupyterLab's own themes give for the values that are taken from the host. */
const LAB: Record<Theme, Record<string, Rgb>> = {
  light: { surface: [255, 255, 255], text: [0, 0, 0] },
  dark: { surface: [17, 17, 17], text: [255, 255, 255] }
};

function rgb(hex: string): Rgb {
  return [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16)) as Rgb;
}

/** A token's own value in one theme: the colours inside `light-dark()`. */
function token(name: string, theme: Theme): Rgb {
  const line = new RegExp(`--iw-${name}:[^;]*light-dark\\(\\s*(#[0-9a-f]{6}),\\s*(#[0-9a-f]{6})\\s*\\)`).exec(
    css
  );
  if (line === null) {
    throw new Error(`no token ${name}`);
  }
  return rgb((theme === 'light' ? line[1] : line[2]) ?? '');
}

function mix(a: Rgb, b: Rgb, share: number): Rgb {
  return a.map((value, at) => value * share + (b[at] ?? 0) * (1 - share)) as Rgb;
}

/** WCAG 2 contrast. */
function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [a, b]
    .map(colour => {
      const [r, g, bl] = colour.map(value => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      }) as Rgb;
      return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
    })
    .sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

describe.each(['light', 'dark'] as const)('contrast in the %s theme', theme => {
  const hosts = {
    own: { surface: token('surface', theme), text: token('text', theme) },
    JupyterLab: LAB[theme] as { surface: Rgb; text: Rgb }
  };
  const raised = token('raised', theme);

  describe.each(Object.entries(hosts))('on the surface of %s', (_, { surface, text }) => {
    it.each(['dim', 'accent', 'ok', 'warn', 'bad', 'ink-for', 'ink-against'])('%s is readable text', name => {
      expect(contrast(token(name, theme), surface)).toBeGreaterThanOrEqual(4.5);
      expect(contrast(token(name, theme), raised)).toBeGreaterThanOrEqual(4.5);
    });

    it('text is readable everywhere, also on the strongest tint', () => {
      const tint = Number(/--iw-tint:\s*(\d+)%/.exec(css)?.[1]) / 100;
      expect(contrast(text, surface)).toBeGreaterThanOrEqual(7);
      expect(contrast(text, raised)).toBeGreaterThanOrEqual(7);
      for (const side of ['for', 'against']) {
        expect(contrast(text, mix(token(side, theme), surface, tint))).toBeGreaterThanOrEqual(4.5);
      }
    });

    it('text of a muted picture and of the template is readable on its tint', () => {
      for (const side of ['for', 'against']) {
        const muted = mix(token(side, theme), token('dim', theme), 0.45);
        expect(contrast(token('dim', theme), mix(muted, surface, 0.16))).toBeGreaterThanOrEqual(4.5);
      }
    });

    it('marks stand out', () => {
      for (const name of ['for', 'against', 'bar', 'edge', 'accent']) {
        expect(contrast(token(name, theme), surface), name).toBeGreaterThanOrEqual(3);
      }
      for (const side of ['for', 'against']) {
        expect(contrast(mix(token(side, theme), token('dim', theme), 0.45), surface)).toBeGreaterThanOrEqual(
          3
        );
      }
    });
  });
});

describe.each(['light', 'dark'] as const)('numbers in a heat map in the %s theme', theme => {
  const heat = readFileSync('style/heat.css', 'utf8');
  const ground = /--iw-heat-ground: light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/.exec(heat);
  const below = rgb((theme === 'light' ? ground?.[1] : ground?.[2]) ?? '');
  const white: Rgb = [255, 255, 255];
  const black: Rgb = [0, 0, 0];

  it.each(['for', 'against'] as const)('are readable on every step of the hue %s', kind => {
    for (let step = 0; step <= 1000; step += 1) {
      const size = step / 1000;
      const turned = INK[kind].filter(from => size >= from).length;
      const ink = theme === 'light' ? (turned === 2 ? white : black) : turned === 0 ? white : black;
      const surface = mix(token(kind, theme), below, size);
      expect(contrast(ink, surface), `${kind} at ${size}`).toBeGreaterThanOrEqual(4.5);
    }
  });
});
