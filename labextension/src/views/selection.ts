/** Which tokens are selected. Python sees token indices; the picture has boxes, which may cover several tokens. */

/** What of a box matters here. */
interface Covering {
  tokens: readonly number[];
}

export type How = 'only' | 'toggle' | 'extend';

/** Boxes of which a token is selected. */
export function boxesOf(boxes: readonly Covering[], tokens: readonly number[]): Set<number> {
  const chosen = new Set(tokens);
  const found = new Set<number>();
  boxes.forEach((box, index) => {
    if (box.tokens.some(token => chosen.has(token))) {
      found.add(index);
    }
  });
  return found;
}

/** Sorted indices of all tokens in some boxes. */
export function tokensOf(boxes: readonly Covering[], chosen: ReadonlySet<number>): number[] {
  const tokens = new Set<number>();
  for (const index of chosen) {
    boxes[index]?.tokens.forEach(token => tokens.add(token));
  }
  return [...tokens].sort((a, b) => a - b);
}

/** Remembers where a range begins, as lists on every desktop do. */
export class Selection {
  private _boxes = new Set<number>();
  private _anchor: number | null = null;
  private _range = new Set<number>();

  get boxes(): ReadonlySet<number> {
    return this._boxes;
  }

  /** A selection from elsewhere ends the range; the echo of our own does not. */
  set(boxes: ReadonlySet<number>): void {
    if (boxes.size === this._boxes.size && [...boxes].every(at => this._boxes.has(at))) {
      return;
    }
    this._boxes = new Set(boxes);
    this._range = new Set();
  }

  clear(): void {
    this._boxes = new Set();
    this._range = new Set();
    this._anchor = null;
  }

  /** `from` is where the focus was: a range without an anchor begins there. */
  choose(index: number, how: How, from: number | null = null): void {
    if (how === 'extend') {
      this._anchor ??= from ?? index;
      // The new range replaces the last one, so it can shrink again; what was chosen before stays.
      this._range.forEach(at => this._boxes.delete(at));
      this._range = new Set();
      const [low, high] = [Math.min(this._anchor, index), Math.max(this._anchor, index)];
      for (let at = low; at <= high; at += 1) {
        if (!this._boxes.has(at)) {
          this._range.add(at);
        }
        this._boxes.add(at);
      }
      return;
    }
    this._range = new Set();
    this._anchor = index;
    if (how === 'only') {
      const alone = this._boxes.size === 1 && this._boxes.has(index);
      this._boxes = alone ? new Set() : new Set([index]);
    } else if (!this._boxes.delete(index)) {
      this._boxes.add(index);
    }
  }
}
