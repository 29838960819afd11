/** The files that views can be saved as: pixels, vectors, numbers, and the whole picture as data. */

import { download, fileName } from './download';
import { rasterise } from './png';
import type { Saving } from '../footer';
import type { Drawing } from './drawing';

/** `kind` and `subject` make the file's name. */
export function savingsOf(kind: string, subject: string, svg: () => Drawing, csv: () => string): Saving[] {
  return [
    {
      label: 'Picture (PNG)',
      hook: 'save-png',
      run: async () => download(await rasterise(svg()), fileName(kind, subject, 'png'))
    },
    {
      label: 'Vector picture (SVG)',
      hook: 'save-svg',
      run: () => download(new Blob([svg().text], { type: 'image/svg+xml' }), fileName(kind, subject, 'svg'))
    },
    {
      label: 'Table (CSV)',
      hook: 'save-csv',
      run: () =>
        download(new Blob([csv()], { type: 'text/csv;charset=utf-8' }), fileName(kind, subject, 'csv'))
    }
  ];
}

/** Everything that is drawn, as JSON. */
export function dataSaving(kind: string, payload: unknown): Saving {
  return {
    label: 'Data (JSON)',
    hook: 'save-json',
    run: () =>
      download(
        new Blob([`${JSON.stringify(payload, null, 1)}\n`], { type: 'application/json' }),
        fileName(kind, 'data', 'json')
      )
  };
}
