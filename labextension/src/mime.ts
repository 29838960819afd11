/** The MIME extension: draws a saved picture wherever Lab shows outputs, also without a kernel or trust. */

import { CardRenderer, RANK } from './plugins/renderer';
import { KINDS } from './views/kinds';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

const extension: IRenderMime.IExtension = {
  id: 'interp-labextension:mime',
  description: 'Draws saved pictures of language models.',
  rendererFactory: {
    safe: true,
    mimeTypes: KINDS.map(kind => kind.mime),
    createRenderer: options => new CardRenderer(options, null)
  },
  rank: RANK,
  dataType: 'json'
};

export default extension;
