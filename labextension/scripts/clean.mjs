// Removes everything that a build made, and nothing else.
import { rmSync } from 'node:fs';

const here = new URL('..', import.meta.url);
for (const path of [
  'lib/',
  'tsconfig.build.tsbuildinfo',
  '../interp_widgets/labextension/',
  '../interp_widgets/static/highlight.js',
  '../interp_widgets/static/highlight.css',
  '../interp_widgets/static/highlight.page.js'
]) {
  rmSync(new URL(path, here), { recursive: true, force: true });
}
