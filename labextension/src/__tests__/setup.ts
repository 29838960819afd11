/** What jsdom lacks and the Lumino packages expect when they are loaded. */

if (!('DragEvent' in globalThis)) {
  Object.defineProperty(globalThis, 'DragEvent', { value: class DragEvent extends MouseEvent {} });
}
