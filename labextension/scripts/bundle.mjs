// Bundles each view three ways: the widget's module, its style sheet, and a script for stand-alone pages.
//
// A widget's module is stored once for each instance in saved widget state, so its size matters: the build fails
// when a bundle passes the limit.
import { build, context } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { existsSync, statSync } from 'node:fs';

const LIMIT = 60_000;
const VIEWS = ['highlight', 'compare', 'heads', 'lens', 'matrix', 'neuron', 'steering', 'trace', 'patch'];
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

/** The style sheet of a page, where nothing can be asked, as one minified string. */
async function styles(name) {
  const page = here(`style/${name}.page.css`);
  const result = await build({
    ...shared,
    target: 'esnext',
    entryPoints: [existsSync(page) ? page : here(`style/${name}.css`)],
    write: false
  });
  return result.outputFiles[0].text.trim();
}

/** esbuild settings of the three files of one view; the page script carries its style sheet. */
async function targets(name) {
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
    },
    {
      ...shared,
      entryPoints: { [`${name}.page`]: here(`src/pages/${name}.ts`) },
      outdir,
      format: 'iife',
      define: { 'define.amd': 'false', INTERP_STYLES: JSON.stringify(await styles(name)) }
    }
  ];
}

const settings = (await Promise.all(VIEWS.map(targets))).flat();
if (process.argv.includes('--watch')) {
  for (const setting of settings) {
    const watching = await context({ ...setting, minify: false });
    await watching.watch();
  }
} else {
  await Promise.all(settings.map(setting => build(setting)));
  for (const file of VIEWS.flatMap(name => [`${name}.js`, `${name}.css`, `${name}.page.js`])) {
    const { size } = statSync(`${outdir}/${file}`);
    console.log(`${file} ${size} bytes`);
    if (size > LIMIT) {
      throw new Error(`${file} has ${size} bytes; the limit is ${LIMIT}`);
    }
  }
}
