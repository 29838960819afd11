/** One quiet line: where the picture comes from, and how to take it along. */

import { h, button, uniqueId } from './dom';
import { step, take } from './keys';
import { copyText } from './save/download';
import type { Picture } from './payload';

/** One entry of the Save menu. */
export interface Saving {
  label: string;
  hook: string;
  run(): void | Promise<void>;
}

/** How long "Copied" stands, in milliseconds. */
const SAID = 2000;

export interface Footer {
  element: HTMLElement;
  /** Closes the menu; false if it was closed. */
  close(): boolean;
  /** Puts a line in place of the provenance, or the provenance back. */
  say(text: string | null): void;
  dispose(): void;
}

interface Events {
  table: boolean;
  /** What the table stands for: "text". */
  plain: string;
  savings: readonly Saving[];
  onTable(): void;
  onKeys(): void;
}

export function drawFooter(payload: Picture, line: HTMLElement, events: Events): Footer {
  const provenance = payload.provenance.join(' · ');
  const text = h('span', { class: 'iw-provenance', 'data-iw': 'provenance' }, provenance);
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const flash = (element: HTMLElement, words: string, back: string): void => {
    element.textContent = words;
    timers.add(
      setTimeout(() => {
        element.textContent = back;
      }, SAID)
    );
  };

  const table = button(
    { class: 'iw-link', 'aria-pressed': String(events.table), 'data-iw': 'table-toggle' },
    events.table ? `Show as ${events.plain}` : 'Show as table',
    events.onTable
  );
  const copy = button(
    { class: 'iw-link', 'data-iw': 'copy', 'aria-live': 'polite' },
    'Copy as Python',
    () => {
      void copyText(payload.code).then(done =>
        flash(copy, done ? 'Copied' : 'Could not copy', 'Copy as Python')
      );
    }
  );

  const menuId = uniqueId('save');
  const menu = h('div', {
    class: 'iw-menu',
    role: 'menu',
    id: menuId,
    hidden: true,
    'aria-label': 'Save as'
  });
  const setMenu = (open: boolean): void => {
    menu.hidden = !open;
    save.setAttribute('aria-expanded', String(open));
  };
  const item = ({ label, hook, run }: Saving): HTMLElement =>
    button({ role: 'menuitem', tabindex: -1, class: 'iw-menu-item', 'data-iw': hook }, label, () => {
      setMenu(false);
      save.focus();
      void Promise.resolve(run()).catch(() => flash(save, 'Could not save', 'Save ▾'));
    });
  const items = events.savings.map(item);
  const save = button(
    {
      class: 'iw-link',
      'aria-haspopup': 'menu',
      'aria-expanded': 'false',
      'aria-controls': menuId,
      'data-iw': 'save'
    },
    'Save ▾',
    () => {
      setMenu(menu.hidden !== false);
      if (!menu.hidden) {
        items[0]?.focus();
      }
    }
  );
  menu.append(...items);
  menu.addEventListener('keydown', event => {
    const index = items.findIndex(entry => entry === event.target);
    const to = step(event.key, index, items.length, true);
    if (to !== null) {
      take(event);
      items[to]?.focus();
    } else if (event.key === 'Tab') {
      setMenu(false);
    }
  });
  const holder = h('span', { class: 'iw-menu-holder' }, save, menu);
  holder.addEventListener('focusout', event => {
    if (!(event.relatedTarget instanceof Node && holder.contains(event.relatedTarget))) {
      setMenu(false);
    }
  });
  const keys = button(
    { class: 'iw-link', 'aria-label': 'List the keys', title: 'Keys', 'data-iw': 'keys-toggle' },
    '?',
    events.onKeys
  );

  return {
    element: h(
      'footer',
      { class: 'iw-footer' },
      text,
      line,
      h('span', { class: 'iw-links' }, table, copy, holder, keys)
    ),
    close: () => {
      if (menu.hidden) {
        return false;
      }
      setMenu(false);
      save.focus();
      return true;
    },
    say: words => {
      text.textContent = words ?? provenance;
      text.toggleAttribute('data-said', words !== null);
    },
    dispose: () => timers.forEach(clearTimeout)
  };
}
