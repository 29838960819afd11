// Removes everything that a build made, and nothing else.
import { rmSync } from 'node:fs';

const here = new URL('..', import.meta.url);
for (const path of [
  'lib/',
  'tsconfig.build.tsbuildinfo',
  '../interp_widgets/labextension/',
  ...[
    'highlight',
    'compare',
    'edit',
    'faithfulness',
    'erasure',
    'heads',
    'lens',
    'matrix',
    'neuron',
    'steering',
    'trace',
    'patch'
  ].flatMap(name => ['js', 'css'].map(end => `../interp_widgets/static/${name}.${end}`))
]) {
  rmSync(new URL(path, here), { recursive: true, force: true });
}
