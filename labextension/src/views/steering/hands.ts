/** What a person sets the console with, while its model is there. */

import { grouped } from '../progress';
import { drawControls, drawPrompt } from './controls';
import { drawSliders } from './sliders';
import { stillPrompt } from './still';
import { Wish } from './wish';
import type { CardEvents } from '../view';
import type { Live } from './live';
import type { Settings, SteeringPayload, Vector } from './payload';
import type { Hands } from './still';

/** How long after the kernel rested an answer may still come, in milliseconds; code may have asked for another. */
const DOUBT = 1000;

/** What outlives a drawing. */
export interface Held {
  open: boolean;
  wish: Wish | null;
}

/** What the panel of settings shows. */
function panelOf(settings: Settings): string {
  return JSON.stringify({ ...settings, strengths: null, past: null });
}

function clamp(vectors: readonly Vector[], strengths: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    vectors.map(({ key, low, high }) => [key, Math.min(high, Math.max(low, strengths[key] ?? 0))])
  );
}

function costOf({ cells, seconds }: { cells: number; seconds: number | null }): string {
  const long = seconds === null ? '' : `, about ${grouped(Math.max(1, seconds))} s`;
  return `${cells} texts over layers and strengths${long}`;
}

export function drawHands(
  first: SteeringPayload,
  live: Live,
  held: Held,
  events: Pick<CardEvents, 'explain' | 'redraw'> & { help(): void }
): Hands {
  const wish = (held.wish ??= new Wish(first.settings));
  const on = live.options.live;
  let vectors = first.vectors;
  let prompt = first.prompt.text;
  let doubt: ReturnType<typeof setTimeout> | undefined;
  const ask = (settings: Settings): void => events.explain({ ...settings });
  const set = (part: Partial<Settings>): void => wish.change(part, ask);
  const controls = drawControls(live.options, wish.settings, {
    set,
    load: preset => events.explain({ preset }),
    open: held.open,
    toggle: open => {
      held.open = open;
    }
  });
  const sliders = drawSliders(first, wish.settings, on, {
    strength: (key, value) => set({ strengths: { ...wish.settings.strengths, [key]: value } }),
    past: past => {
      set({ past, strengths: past ? wish.settings.strengths : clamp(vectors, wish.settings.strengths) });
      sliders.update(vectors, wish.settings);
    },
    help: events.help
  });
  return {
    head: controls.head,
    panel: controls.panel,
    prompt: on
      ? drawPrompt(first, text =>
          events.explain({ ...wish.settings, ...(text === null ? {} : { prompt: text }) })
        )
      : stillPrompt(first),
    vectors: sliders.element,
    fill: on ? vector => events.explain({ grid: { vector } }) : null,
    cost: costOf(live.options.grid),
    update: next => {
      const before = panelOf(wish.settings);
      wish.settle(next);
      const same =
        next.vectors.length === vectors.length &&
        next.vectors.every((vector, at) => vector.key === vectors[at]?.key) &&
        next.prompt.text === prompt;
      ({ vectors } = next);
      prompt = next.prompt.text;
      sliders.update(vectors, wish.settings);
      return same && panelOf(wish.settings) === before;
    },
    status: (status, payload) => {
      clearTimeout(doubt);
      if (status.state === 'cancelled') {
        wish.reset(payload);
      } else if (status.state === 'error') {
        wish.refused();
      } else if (status.state === 'idle' && wish.waiting) {
        doubt = setTimeout(() => {
          if (wish.waiting) {
            wish.reset(payload);
            events.redraw();
          }
        }, DOUBT);
      }
    },
    dispose: () => clearTimeout(doubt),
    close: () => controls.close()
  };
}
