/** The status-bar item: model, device, and how many interventions act in the notebook in front. */

import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar, showPopup } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { CommandIDs, addCommands } from './commands';
import { KernelStatus } from './kernelStatus';
import { StatusItem, StatusList } from './statusItem';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Popup } from '@jupyterlab/statusbar';

const ID = 'interp-labextension:status';

/** Follows the setting `visible`; without a settings registry the item is shown. */
async function followSetting(registry: ISettingRegistry | null, apply: (visible: boolean) => void) {
  if (registry === null) {
    return null;
  }
  try {
    const settings = await registry.load(ID);
    const read = (): void => apply(settings.get('visible').composite !== false);
    settings.changed.connect(read);
    read();
    return settings;
  } catch {
    // A damaged settings file must not take the item away.
    return null;
  }
}

export const status: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Shows the language model, its device and the active interventions in the status bar.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [IStatusBar, ICommandPalette, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    statusBar: IStatusBar | null,
    palette: ICommandPalette | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ) => {
    if (statusBar === null) {
      // Notebook 7 has no status bar, so there is nothing to show and nothing to ask the kernel.
      return;
    }
    const trans = (translator ?? nullTranslator).load('interp_labextension');
    const kernels = new Map<NotebookPanel, KernelStatus>();
    let visible = true;

    const models = () => {
      const panel = notebooks.currentWidget;
      return panel === null ? [] : (kernels.get(panel)?.models ?? []);
    };
    let popup: Popup | null = null;
    const showModels = (): void => {
      popup?.dispose();
      popup = null;
      if (models().length > 0) {
        const body = new StatusList(models(), trans);
        body.disposed.connect(() => item.takeBackFocus());
        popup = showPopup({ body, anchor: item, align: 'right' });
      }
    };
    const item = new StatusItem(trans, () => void app.commands.execute(CommandIDs.showModels));
    const activeStateChanged = new Signal<StatusItem, void>(item);
    const refresh = (): void => {
      item.display(visible ? models() : []);
      activeStateChanged.emit();
      app.commands.notifyCommandChanged(CommandIDs.showModels);
    };

    const setting = followSetting(registry, shown => {
      visible = shown;
      refresh();
      app.commands.notifyCommandChanged(CommandIDs.toggleStatus);
    });
    addCommands(app.commands, trans, {
      hasModels: () => models().length > 0,
      showModels,
      isStatusShown: () => visible,
      toggleStatus: async () => {
        const settings = await setting;
        if (settings === null) {
          visible = !visible;
          refresh();
        } else {
          await settings.set('visible', !visible);
        }
      }
    });
    for (const command of Object.values(CommandIDs)) {
      palette?.addItem({ command, category: trans.__('Interp Widgets') });
    }
    statusBar.registerStatusItem(ID, {
      item,
      align: 'right',
      rank: 900,
      isActive: () => visible && models().length > 0,
      activeStateChanged
    });

    const follow = (panel: NotebookPanel): void => {
      const kernel = new KernelStatus(panel.sessionContext);
      kernels.set(panel, kernel);
      kernel.changed.connect(refresh);
      panel.disposed.connect(() => {
        kernels.delete(panel);
        kernel.dispose();
        refresh();
      });
    };
    notebooks.forEach(follow);
    notebooks.widgetAdded.connect((_, panel) => follow(panel));
    notebooks.currentChanged.connect(refresh);
    refresh();
  }
};
