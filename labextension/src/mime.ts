/** The MIME extension: draws a saved highlight wherever Lab shows outputs, also without a kernel or trust. */

import { HighlightRenderer, RANK } from './plugins/renderer';
import { MIME_TYPE } from './views/highlight';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

const extension: IRenderMime.IExtension = {
  id: 'interp-labextension:mime',
  description: 'Draws saved highlights of language models.',
  rendererFactory: {
    safe: true,
    mimeTypes: [MIME_TYPE],
    createRenderer: options => new HighlightRenderer(options, null)
  },
  rank: RANK,
  dataType: 'json'
};

export default extension;
