/** A view as one element that can be told of changes. Without a live half it is a saved picture. */

import { h } from './dom';
import { isWriting, keepLetters, take } from './keys';
import { titleText } from './title';
import { Selection, boxesOf, tokensOf } from './selection';
import type { Picture } from './payload';
import type { How } from './selection';
import type { Args, Asleep, Live, Status } from './status';

/** What a card may ask of the view that holds it. */
export interface CardEvents {
  explain: (args: Args) => void;
  cancel: () => void;
  choose: (index: number, how: How, from: number | null) => void;
  redraw: () => void;
}

/** One drawn picture. Drawing again replaces it; the view keeps what must last. */
export interface Card<P> {
  parts: HTMLElement[];
  titleId: string;
  /** Closes the innermost thing that is open; false if nothing was. */
  close(): boolean;
  toggleHelp(): void;
  select(boxes: ReadonlySet<number>): void;
  status(status: Status): void;
  /** Takes over a new picture without being drawn anew; false where it cannot. */
  update?(payload: P): boolean;
  dispose(): void;
}

/** What makes one kind of view; `Folds` is what is folded out, which outlives a picture. */
export interface Kind<P extends Picture, O extends Asleep, Folds> {
  /** The mark of the element, and its name in sentences. */
  name: string;
  label: string;
  folds(): Folds;
  read(value: unknown): P | string;
  draw(payload: P, live: Live<O> | null, folds: Folds, events: CardEvents): Card<P>;
  /** The verdict on the whole picture, if there is one. */
  word(payload: P): string | null;
  /** What is said when a new picture is there; the title comes before it. */
  said(payload: P): string;
  /** A new picture: what of the folds does not fit it. */
  refold?(before: P, after: P, folds: Folds): void;
}

/** Where the focus is, in words that also hold in the next picture. */
function focusKey(root: HTMLElement): string | null {
  const active = root.ownerDocument.activeElement;
  const marked =
    active instanceof HTMLElement && root.contains(active) ? active.closest<HTMLElement>('[data-iw]') : null;
  if (marked === null || marked === root) {
    return null;
  }
  const { iw, index, id, row } = marked.dataset;
  const places = [
    index === undefined ? '' : `[data-index="${index}"]`,
    row === undefined ? '' : `[data-row="${row}"]`,
    index !== undefined || id === undefined ? '' : `[data-id="${Number(id)}"]`
  ];
  return `[data-iw="${iw ?? ''}"]${places.join('')}`;
}

export class CardView<P extends Picture, O extends Asleep, Folds> {
  readonly element: HTMLElement;
  private _payload: P | string;
  private _card: Card<P> | null = null;
  private _announcer: HTMLElement;
  private _selection = new Selection();
  private _folds: Folds;
  private _status: Status = { state: 'idle' };
  private _releaseLetters: () => void;

  constructor(
    private readonly _kind: Kind<P, O, Folds>,
    payload: unknown,
    private _live: Live<O> | null = null
  ) {
    this._payload = _kind.read(payload);
    this._folds = _kind.folds();
    this._announcer = h('div', { class: 'iw-sr', role: 'status', 'data-iw': 'announcer' });
    this.element = h('section', {
      class: 'iw',
      'data-iw': _kind.name,
      'data-state': _live === null ? 'static' : 'live'
    });
    this._releaseLetters = keepLetters(this.element);
    this.element.addEventListener('keydown', event => this._onKey(event));
    if (_live !== null) {
      this._status = _live.status;
      this._selection.set(this._boxes(_live.selection));
    }
    this._draw();
  }

  /** What is shown, or a sentence that says why nothing is. */
  protected get payload(): P | string {
    return this._payload;
  }

  /** A new picture; what is folded out, and the focus, stay. */
  setPayload(payload: unknown): void {
    const before = this._payload;
    const after = this._kind.read(payload);
    this._payload = after;
    if (typeof after !== 'string') {
      if (typeof before !== 'string') {
        this._kind.refold?.(before, after, this._folds);
      }
      const said = this._kind.said(after);
      if (said !== '') {
        this._announcer.textContent = `${titleText(after)} ${said}`;
      }
    }
    if (this._live !== null) {
      this._selection.set(this._boxes(this._live.selection));
    }
    if (typeof after !== 'string' && this._card?.update?.(after) === true) {
      this._mark(after);
      this._card.select(this._selection.boxes);
    } else {
      this._draw();
    }
  }

  setOptions(options: O): void {
    if (this._live !== null) {
      this._live = { ...this._live, options };
      this._draw();
    }
  }

  setStatus(status: Status): void {
    this._status = status;
    this.element.dataset.status = status.state;
    this._card?.status(status);
    if (status.state === 'cancelled') {
      this._draw(); // what was chosen and cancelled is not what is shown
      this._announcer.textContent = status.text;
    } else if (status.state === 'said') {
      this._announcer.textContent = status.text;
    }
  }

  /** The selection as Python has it: token indices. */
  setSelection(tokens: number[]): void {
    if (this._live !== null) {
      this._live = { ...this._live, selection: tokens };
    }
    this._selection.set(this._boxes(tokens));
    this._card?.select(this._selection.boxes);
  }

  /** Draws the picture anew, after what is kept beside it has changed. */
  protected redraw(): void {
    this._draw();
  }

  dispose(): void {
    this._card?.dispose();
    this._card = null;
    this._releaseLetters();
    this.element.remove();
  }

  private _boxes(tokens: number[]): Set<number> {
    return typeof this._payload === 'string' ? new Set() : boxesOf(this._payload.boxes, tokens);
  }

  private _mark(payload: P): void {
    const word = this._kind.word(payload);
    this.element.classList.toggle('iw-muted', word === 'do not trust');
    if (word === null) {
      delete this.element.dataset.verdict;
    } else {
      this.element.dataset.verdict = word;
    }
  }

  private _draw(): void {
    const key = focusKey(this.element);
    const scrolled = [...this.element.querySelectorAll('.iw-tokens')].map(scroller => scroller.scrollTop);
    this._card?.dispose();
    this._card = null;
    const payload = this._payload;
    this.element.dataset.status = this._status.state;
    if (typeof payload === 'string') {
      this.element.setAttribute('aria-label', this._kind.label);
      this.element.removeAttribute('aria-labelledby');
      this.element.replaceChildren(
        h('p', { class: 'iw-note', 'data-iw': 'unreadable' }, payload),
        this._announcer
      );
      return;
    }
    const card = this._kind.draw(payload, this._live, this._folds, {
      explain: args => this._live?.requests.explain(args),
      cancel: () => this._live?.requests.cancel(),
      choose: (index, how, from) => this._choose(index, how, from),
      redraw: () => this._draw()
    });
    this._card = card;
    this.element.setAttribute('aria-labelledby', card.titleId);
    this._mark(payload);
    this.element.replaceChildren(...card.parts, this._announcer);
    card.select(this._selection.boxes);
    card.status(this._status);
    this.element.querySelectorAll('.iw-tokens').forEach((scroller, at) => {
      scroller.scrollTop = scrolled[at] ?? 0;
    });
    if (key !== null) {
      this.element.querySelector<HTMLElement>(key)?.focus({ preventScroll: true });
    }
  }

  private _choose(index: number, how: How, from: number | null): void {
    if (typeof this._payload === 'string') {
      return;
    }
    this._selection.choose(index, how, from);
    this._publish(this._payload);
  }

  private _publish(payload: P): void {
    this._card?.select(this._selection.boxes);
    if (this._live !== null) {
      const tokens = tokensOf(payload.boxes, this._selection.boxes);
      this._live = { ...this._live, selection: tokens };
      this._live.requests.select(tokens);
    }
  }

  private _onKey(event: KeyboardEvent): void {
    if (event.key === '?' && !isWriting(event.target)) {
      take(event);
      this._card?.toggleHelp();
      return;
    }
    if (event.key !== 'Escape') {
      return;
    }
    if (this._status.state === 'running') {
      take(event);
      this._live?.requests.cancel();
    } else if (this._card?.close() === true) {
      take(event);
    } else if (this._selection.boxes.size > 0 && typeof this._payload !== 'string') {
      take(event);
      this._selection.clear();
      this._publish(this._payload);
    } else if (document.activeElement instanceof HTMLElement) {
      // Nothing of ours is left to close: leave the view, and let the host have the key.
      document.activeElement.blur();
    }
  }
}
