// Bundles each view: a module, which is the widget's and draws stand-alone pages too, and its style sheet.
//
// A widget's module is stored once for each instance in saved widget state, so its size matters: the build fails
// when a bundle passes the limit.
import { build, context } from 'esbuild';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

const out = here('../interp_widgets/static');
const entries = (folder, ending) => VIEWS.map(name => ({ in: `${folder}/${name}${ending}`, out: name }));

const shared = {
  bundle: true,
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  charset: 'utf8',
  target: 'es2022'
};
const styles = {
  ...shared,
  target: 'esnext',
  entryPoints: entries(here('style'), '.css'),
  outdir: out
};
/** What JupyterLab's own build takes over as it is. */
const labStyle = {
  ...styles,
  entryPoints: [here('style/base.css')],
  outdir: undefined,
  outfile: here('lib/style.css')
};
const modules = {
  ...shared,
  entryPoints: entries(here('src/widgets'), '.ts'),
  outdir: out,
  format: 'esm',
  // AMD loaders that some hosts leave on the page must not be mistaken for a module system.
  define: { 'define.amd': 'false' }
};

/** Each view as one module. What several share is shortened once, so that it reads the same in all of them: the wheel
 * packs them together. */
async function bundleModules() {
  const room = mkdtempSync(join(tmpdir(), 'views-'));
  try {
    await build({ ...modules, outdir: room, splitting: true });
    await build({
      ...modules,
      entryPoints: entries(room, '.js'),
      minify: false,
      minifySyntax: true,
      minifyWhitespace: true
    });
  } finally {
    rmSync(room, { recursive: true });
  }
}

if (process.argv.includes('--watch')) {
  for (const setting of [styles, labStyle, modules]) {
    const watching = await context({ ...setting, minify: false });
    await watching.watch();
  }
} else {
  await Promise.all([build(styles), build(labStyle), bundleModules()]);
  for (const file of VIEWS.flatMap(name => [`${name}.js`, `${name}.css`])) {
    const { size } = statSync(join(out, file));
    console.log(`${file} ${size} bytes`);
    if (size > LIMIT) {
      throw new Error(`${file} has ${size} bytes; the limit is ${LIMIT}`);
    }
  }
}
