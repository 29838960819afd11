// Bundles each view: a module, which is the widget's and draws stand-alone pages too, and its style sheet.
//
// A widget's module is stored once for each instance in saved widget state, so its size matters: the build fails
// when a bundle passes the limit.
import { build, context } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { statSync } from 'node:fs';

const LIMIT = 60_000;
const VIEWS = [
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
];
const here = path => fileURLToPath(new URL(`../${path}`, import.meta.url));
const outdir = here('../interp_widgets/static');

const shared = {
  bundle: true,
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  charset: 'utf8',
  target: 'es2022'
};

/** esbuild settings of the two files of one view. */
function targets(name) {
  return [
    {
      ...shared,
      target: 'esnext',
      entryPoints: { [name]: here(`style/${name}.css`) },
      outdir
    },
    {
      ...shared,
      entryPoints: { [name]: here(`src/widgets/${name}.ts`) },
      outdir,
      format: 'esm',
      // AMD loaders that some hosts leave on the page must not be mistaken for a module system.
      define: { 'define.amd': 'false' }
    }
  ];
}

const settings = VIEWS.flatMap(targets);
if (process.argv.includes('--watch')) {
  for (const setting of settings) {
    const watching = await context({ ...setting, minify: false });
    await watching.watch();
  }
} else {
  await Promise.all(settings.map(setting => build(setting)));
  for (const file of VIEWS.flatMap(name => [`${name}.js`, `${name}.css`])) {
    const { size } = statSync(`${outdir}/${file}`);
    console.log(`${file} ${size} bytes`);
    if (size > LIMIT) {
      throw new Error(`${file} has ${size} bytes; the limit is ${LIMIT}`);
    }
  }
}
