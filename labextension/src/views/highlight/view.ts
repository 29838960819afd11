/** The highlight as one element that can be told of changes. Without a live half it is a saved picture. */

import { h } from '../dom';
import { isWriting, keepLetters, take } from '../keys';
import { drawCard } from './card';
import { readPayload } from './payload';
import { titleText } from './title';
import { Selection, boxesOf, tokensOf } from './selection';
import type { Card, Folds } from './card';
import type { Live, Options, Status } from './live';
import type { HighlightPayload } from './payload';
import type { How } from './selection';

/** Where the focus is, in words that also hold in the next picture. */
function focusKey(root: HTMLElement): string | null {
  const active = root.ownerDocument.activeElement;
  const marked =
    active instanceof HTMLElement && root.contains(active) ? active.closest<HTMLElement>('[data-iw]') : null;
  if (marked === null || marked === root) {
    return null;
  }
  const { iw, index, id } = marked.dataset;
  const more =
    index !== undefined ? `[data-index="${index}"]` : id !== undefined ? `[data-id="${Number(id)}"]` : '';
  return `[data-iw="${iw ?? ''}"]${more}`;
}

export class HighlightView {
  readonly element: HTMLElement;
  private _payload: HighlightPayload | string;
  private _card: Card | null = null;
  private _announcer: HTMLElement;
  private _selection = new Selection();
  private _folds: Folds = { table: false, why: false, settings: false };
  private _status: Status = { state: 'idle' };
  private _releaseLetters: () => void;

  constructor(
    payload: unknown,
    private _live: Live | null = null
  ) {
    this._payload = readPayload(payload);
    this._announcer = h('div', { class: 'iw-sr', role: 'status', 'data-iw': 'announcer' });
    this.element = h('section', {
      class: 'iw',
      'data-iw': 'highlight',
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

  /** A new picture; what is folded out, and the focus, stay. */
  setPayload(payload: unknown): void {
    const before = this._payload;
    this._payload = readPayload(payload);
    if (typeof this._payload !== 'string') {
      if (typeof before !== 'string' && before.verdict.word !== this._payload.verdict.word) {
        this._folds.why = false;
      }
      this._announcer.textContent = `${titleText(this._payload)} ${this._payload.verdict.word}: ${this._payload.verdict.sentence}`;
    }
    if (this._live !== null) {
      this._selection.set(this._boxes(this._live.selection));
    }
    this._draw();
  }

  setOptions(options: Options): void {
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

  dispose(): void {
    this._card?.dispose();
    this._card = null;
    this._releaseLetters();
    this.element.remove();
  }

  private _boxes(tokens: number[]): Set<number> {
    return typeof this._payload === 'string' ? new Set() : boxesOf(this._payload.boxes, tokens);
  }

  private _draw(): void {
    const key = focusKey(this.element);
    const scrolled = this.element.querySelector('.iw-tokens')?.scrollTop ?? 0;
    this._card?.dispose();
    this._card = null;
    const payload = this._payload;
    this.element.dataset.status = this._status.state;
    if (typeof payload === 'string') {
      this.element.setAttribute('aria-label', 'Highlight');
      this.element.removeAttribute('aria-labelledby');
      this.element.replaceChildren(
        h('p', { class: 'iw-note', 'data-iw': 'unreadable' }, payload),
        this._announcer
      );
      return;
    }
    const card = drawCard(payload, this._live, this._folds, {
      explain: args => this._live?.requests.explain(args),
      cancel: () => this._live?.requests.cancel(),
      choose: (index, how, from) => this._choose(index, how, from),
      redraw: () => this._draw()
    });
    this._card = card;
    this.element.setAttribute('aria-labelledby', card.titleId);
    this.element.dataset.verdict = payload.verdict.word;
    this.element.classList.toggle('iw-muted', payload.verdict.word === 'do not trust');
    this.element.replaceChildren(...card.parts, this._announcer);
    card.select(this._selection.boxes);
    card.status(this._status);
    const scroller = this.element.querySelector('.iw-tokens');
    if (scroller !== null) {
      scroller.scrollTop = scrolled;
    }
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

  private _publish(payload: HighlightPayload): void {
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
