import { describe, expect, it, vi } from 'vitest';
import trace from './fixtures/trace.json';
import { announcePicture, onPicture } from '../views/keeping';
import { TraceView } from '../views/trace';
import { spaced } from '../views/trace/editor';
import widget from '../widgets/trace';
import { FakeModel, part, parts, press } from './fakes';
import type { Chosen } from '../views/chosen';
import type { Live, Options, TracePayload } from '../views/trace';

const fixture = (): TracePayload => structuredClone(trace) as unknown as TracePayload;
const OPTIONS: Options = { live: true, edit: false, methods: [], edited: false };

describe('from a trace to an edit', () => {
  it('edits the traced fact at a chosen cell, where there is an editor', () => {
    const place: Chosen = ['hidden', 2, 1];
    const make = (changes: Partial<Options>) => {
      const asked: unknown[] = [];
      const half: Live = {
        options: { ...OPTIONS, methods: [{ name: 'rome', label: 'ROME' }], ...changes },
        status: { state: 'idle' },
        selection: [],
        requests: {
          explain: args => asked.push(args),
          cancel: () => undefined,
          select: () => undefined
        }
      };
      const view = new TraceView(fixture(), half, { chosen: place, choose: () => undefined });
      document.body.replaceChildren(view.element);
      return { view, asked };
    };
    expect(parts(make({}).view, 'edit-here')).toHaveLength(0);
    const { view, asked } = make({ edit: true });
    expect(parts(view, 'trace-again')).toHaveLength(0);
    expect(part(view, 'edit-form').hidden).toBe(true);
    part(view, 'edit-here').click();
    const answer = part(view, 'edit-answer') as HTMLInputElement;
    expect(document.activeElement).toBe(answer);
    part(view, 'edit-go').click();
    expect(asked).toEqual([]); // there is no answer yet
    answer.value = 'Rome';
    answer.dispatchEvent(new Event('input'));
    expect(part(view, 'edit-told').textContent).toBe('·Paris → ·Rome, at layer 1');
    press(answer, 'Enter');
    expect(asked).toEqual([{ edit: { target: 'Rome', method: 'rome', layer: 1 } }]);
    view.setChosen(['hidden', 2, 3]);
    expect((part(view, 'edit-answer') as HTMLInputElement).value).toBe('Rome'); // the answer stays, the layer follows
    expect((part(view, 'edit-layer') as HTMLInputElement).value).toBe('3');
    press(part(view, 'edit-answer'), 'Escape');
    expect(part(view, 'edit-form').hidden).toBe(true);
    expect(document.activeElement).toBe(part(view, 'edit-here'));
    view.setOptions({ ...OPTIONS, edit: true, edited: true });
    part(view, 'trace-again').click();
    expect(asked.at(-1)).toEqual({ again: true });
  });

  it('an answer gets the space in front that the traced one has', () => {
    expect(spaced('Rome', '·Paris')).toBe('·Rome');
    expect(spaced(' Rome', '·Paris')).toBe('·Rome');
    expect(spaced('Rome', 'Paris')).toBe('Rome');
  });

  it('draws cards below, keeps them in step, and their pictures to itself', async () => {
    const model = new FakeModel({
      payload: fixture(),
      options: OPTIONS,
      status: { state: 'idle' },
      selection: [],
      place: [],
      beneath: ['one']
    });
    const el = document.createElement('div');
    document.body.replaceChildren(el);
    const drawn: [string, AbortSignal][] = [];
    const host = {
      getWidget: (reference: string) =>
        reference === 'anywidget:gone'
          ? Promise.reject(new Error('gone'))
          : Promise.resolve({
              render: ({ el: place, signal }: { el: HTMLElement; signal?: AbortSignal }) => {
                place.append(reference);
                drawn.push([reference, signal!]);
                return Promise.resolve();
              }
            })
    };
    const kept: unknown[] = [];
    onPicture(document.body, picture => kept.push(picture));
    const dispose = widget.render({ model, el, host });
    const view = { element: el };
    await vi.waitFor(() => expect(drawn).toHaveLength(1));
    announcePicture(part(view, 'below'), { a: 1 }, { b: 2 });
    expect(kept).toEqual([]);
    model.set('beneath', ['one', 'two', 'gone']);
    await vi.waitFor(() => expect(parts(view, 'below')[2]!.textContent).toContain('show widget.diff'));
    expect(
      parts(view, 'below')
        .map(card => card.textContent)
        .slice(0, 2)
    ).toEqual(['anywidget:one', 'anywidget:two']);
    model.set('beneath', ['two']);
    expect(drawn.map(([, signal]) => signal.aborted)).toEqual([true, false]);
    dispose();
    dispose();
    expect(drawn.every(([, signal]) => signal.aborted)).toBe(true);
    expect(model.listening).toBe(0);
    expect(el.children).toHaveLength(0);
    widget.render({ model, el });
    expect(part(view, 'below').textContent).toContain('draws one card a cell');
  });
});
