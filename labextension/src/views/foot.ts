/** What stands at the foot of every card: progress, errors, keys, provenance and what to take along. */

import { h } from './dom';
import { drawFooter } from './footer';
import { drawHelp } from './help';
import { drawProblem } from './problem';
import { drawProgress } from './progress';
import type { Saving } from './footer';
import type { Key } from './help';
import type { Picture } from './payload';
import type { Args, Status } from './status';

export interface Foot {
  /** Where an error stands, above the picture. */
  problem: HTMLElement;
  help: HTMLElement;
  bar: HTMLElement;
  footer: HTMLElement;
  /** Closes the menu; false if it was closed. */
  closeMenu(): boolean;
  /** Closes the list of keys; false if it was closed. */
  closeHelp(): boolean;
  toggleHelp(): void;
  status(status: Status): void;
  dispose(): void;
}

interface Wishes {
  keys: readonly Key[];
  savings: readonly Saving[];
  table: boolean;
  plain: string;
  onTable(): void;
  onCancel(): void;
  /** Does the likely fix of an error; null where nothing can be asked. */
  fix: ((args: Args) => void) | null;
}

/** `plain` names what the table is shown instead of. */
export function drawFoot(payload: Picture, wishes: Wishes): Foot {
  const progress = drawProgress(wishes.onCancel, shown =>
    footer.element.classList.toggle('iw-working', shown)
  );
  const help = drawHelp(wishes.keys);
  const toggleHelp = (): void => {
    help.hidden = !help.hidden;
  };
  const footer = drawFooter(payload, progress.line, {
    table: wishes.table,
    plain: wishes.plain,
    savings: wishes.savings,
    onTable: wishes.onTable,
    onKeys: toggleHelp
  });
  const problem = h('div', { class: 'iw-problem' });
  return {
    problem,
    help,
    bar: progress.bar,
    footer: footer.element,
    closeMenu: () => footer.close(),
    closeHelp: () => {
      const open = !help.hidden;
      help.hidden = true;
      return open;
    },
    toggleHelp,
    status: status => {
      progress.show(status);
      footer.say(status.state === 'cancelled' || status.state === 'said' ? status.text : null);
      problem.replaceChildren();
      if (status.state === 'error') {
        problem.append(drawProblem(status, wishes.fix, () => problem.replaceChildren()));
      }
    },
    dispose: () => {
      progress.dispose();
      footer.dispose();
    }
  };
}
