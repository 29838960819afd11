/** All commands of the extension. */

import type { CommandRegistry } from '@lumino/commands';
import type { TranslationBundle } from '@jupyterlab/translation';

export const CommandIDs = {
  /** Lists models and interventions of the notebook in front. */
  showModels: 'interp:show-models',
  /** Shows or hides the status-bar item. */
  toggleStatus: 'interp:toggle-status'
} as const;

export interface CommandTargets {
  hasModels(): boolean;
  showModels(): void;
  isStatusShown(): boolean;
  toggleStatus(): void | Promise<void>;
}

export function addCommands(
  commands: CommandRegistry,
  trans: TranslationBundle,
  targets: CommandTargets
): void {
  commands.addCommand(CommandIDs.showModels, {
    label: trans.__('Show Models and Interventions'),
    caption: trans.__('List the language models of this kernel and what acts on them'),
    isEnabled: () => targets.hasModels() && targets.isStatusShown(),
    execute: () => targets.showModels()
  });
  commands.addCommand(CommandIDs.toggleStatus, {
    label: trans.__('Show Language Models in the Status Bar'),
    isToggled: () => targets.isStatusShown(),
    execute: () => targets.toggleStatus()
  });
}
