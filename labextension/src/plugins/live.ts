/** Gives the pictures of each notebook and console their live widget when there is one. */

import { IConsoleTracker } from '@jupyterlab/console';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { KINDS } from '../views/kinds';
import { LiveModels } from './liveModels';
import { CardRenderer, RANK, WIDGET_VIEW } from './renderer';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { ISessionContext } from '@jupyterlab/apputils';
import type { ConsolePanel } from '@jupyterlab/console';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Widget } from '@lumino/widgets';

/** Every picture below a widget that was drawn before the notebook had its host. */
function* drawn(widget: Widget): Iterable<CardRenderer> {
  if (widget instanceof CardRenderer) {
    yield widget;
    return;
  }
  for (const child of widget.children()) {
    yield* drawn(child);
  }
}

function serve(
  panel: Widget,
  session: ISessionContext,
  rendermime: IRenderMimeRegistry,
  common: IRenderMimeRegistry
): void {
  const host = new LiveModels(session, rendermime, () => common.getFactory(WIDGET_VIEW));
  rendermime.addFactory(
    {
      safe: true,
      mimeTypes: KINDS.map(kind => kind.mime),
      createRenderer: options => new CardRenderer(options, host)
    },
    RANK
  );
  for (const renderer of drawn(panel)) {
    renderer.host = host;
  }
  panel.disposed.connect(() => host.dispose());
}

export const live: JupyterFrontEndPlugin<void> = {
  id: 'interp-labextension:live',
  description: 'Shows the live widget of a picture while its model runs in the kernel.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker, IConsoleTracker],
  activate: (
    _app: JupyterFrontEnd,
    common: IRenderMimeRegistry,
    notebooks: INotebookTracker | null,
    consoles: IConsoleTracker | null
  ) => {
    const notebook = (panel: NotebookPanel): void =>
      serve(panel, panel.sessionContext, panel.content.rendermime, common);
    const console = (panel: ConsolePanel): void =>
      serve(panel, panel.sessionContext, panel.console.rendermime, common);
    notebooks?.forEach(notebook);
    notebooks?.widgetAdded.connect((_, panel) => notebook(panel));
    consoles?.forEach(console);
    consoles?.widgetAdded.connect((_, panel) => console(panel));
  }
};
