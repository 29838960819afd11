/** The three files a highlight can be saved as. */

import { csv } from './csv';
import { download, fileName } from './download';
import { rasterise } from './png';
import { svg } from './svg';
import type { HighlightPayload } from '../payload';

export function saveCsv(payload: HighlightPayload): void {
  download(
    new Blob([csv(payload)], { type: 'text/csv;charset=utf-8' }),
    fileName(payload.settings.target, 'csv')
  );
}

export function saveSvg(payload: HighlightPayload): void {
  download(
    new Blob([svg(payload).text], { type: 'image/svg+xml' }),
    fileName(payload.settings.target, 'svg')
  );
}

export async function savePng(payload: HighlightPayload): Promise<void> {
  download(await rasterise(svg(payload)), fileName(payload.settings.target, 'png'));
}
