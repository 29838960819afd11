"""Contrast as the browser computes it: every visible text, and every mark, against what lies behind it (WCAG 2.1)."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator

# Each entry: what it is, its two colours, their ratio. Any CSS colour becomes bytes by painting it.
MEASURE = """root => {
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const bytes = colour => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const chain = element => {
    const found = [];
    for (let at = element; at !== null; at = at.parentElement) found.unshift(at);
    return found;
  };
  // The surface behind an element's text. A token's tint is the last colour of its gradients.
  const colours = image => image.match(/(?:rgba?|color|oklab|oklch)\\([^()]*\\)/g) ?? [];
  const behind = (element, own) => chain(element).reduce((below, at) => {
    if (at === element && !own) return below;
    const style = getComputedStyle(at);
    let surface = over(bytes(style.backgroundColor), below);
    if (at.matches('[data-iw="token"], .iw-cell')) {
      const tint = colours(style.backgroundImage).at(-1);
      if (tint !== undefined) surface = over(bytes(tint), surface);
    }
    return surface;
  }, [255, 255, 255, 1]);
  const opacity = element => chain(element).reduce((share, at) => {
    const own = Number(getComputedStyle(at).opacity);
    return share * (own === 0 ? 1 : own);  // what appears on hover is judged as it then appears
  }, 1);
  const name = element => `${element.tagName.toLowerCase()}.${element.className || element.dataset.iw || ''}`
    + ` "${element.textContent.trim().slice(0, 24)}"`;
  const texts = [...root.querySelectorAll('*')].filter(element =>
    element.checkVisibility() && !element.matches('.iw-sr, :disabled, option')
    && [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim() !== ''))
    .map(element => {
      const surface = behind(element, true);
      const ink = bytes(getComputedStyle(element).color);
      const shown = over([...ink.slice(0, 3), ink[3] * opacity(element)], surface);
      return { what: name(element), ink: shown, surface, ratio: ratio(shown, surface) };
    });
  const marks = [...root.querySelectorAll('[data-iw="token"], .iw-bar, .iw-scale i, .iw-cell, .iw-chance')]
    .filter(element => element.checkVisibility() && element.dataset.score !== '0').map(element => {
      const surface = behind(element, false);
      const ink = over(bytes(colours(getComputedStyle(element).backgroundImage)[0]), surface);
      return { what: name(element), ink, surface, ratio: ratio(ink, surface) };
    });
  return { texts, marks };
}"""

Entry = dict[str, Any]


def measure(root: Locator) -> dict[str, list[Entry]]:
    """`{"texts": [...], "marks": [...]}`, each entry with `what`, `ink`, `surface` and `ratio`."""
    measured: dict[str, list[Entry]] = root.evaluate(MEASURE)
    return measured


def expect_contrast(root: Locator) -> dict[str, list[Entry]]:
    """Every text reaches 4.5:1 and every mark 3:1."""
    measured = measure(root)
    assert measured["texts"]
    faint = [entry for entry in measured["texts"] if entry["ratio"] < 4.5]
    faint += [entry for entry in measured["marks"] if entry["ratio"] < 3]
    assert not faint, "\n".join(f"{e['ratio']:.2f}:1 {e['what']} {e['ink'][:3]} on {e['surface'][:3]}" for e in faint)
    return measured
