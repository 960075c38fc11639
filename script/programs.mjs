// Joins the modules that the compiler wrote into build, and puts the programs into dist: each has a few files in dist/parts in
// place of some hundred modules, of which Node.js takes half a millisecond for each. script/build runs this.
import { copyFile, mkdir, readFile, readdir } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const project = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(project, 'build', 'bin')

/**
 * Modules look for other files of the package from where they were written. Their new files, in dist/bin and dist/parts, are as
 * deep in the package as dist/bin.
 *
 * @type {import('esbuild').Plugin}
 */
const places = {
  name: 'places',
  setup: (esbuild) => {
    esbuild.onLoad({ filter: /\.js$/ }, async ({ path }) => {
      const url = `new URL(${JSON.stringify(relative(modules, path))}, import.meta.url).href`
      return { contents: (await readFile(path, 'utf8')).replaceAll('import.meta.url', url) }
    })
  },
}

/** All that a Node.js that is too old reads, beside a program. It stays as it is. */
const FIRST = 'node.js'
/** @type {import('esbuild').Plugin} */
const first = {
  name: 'first',
  setup: (esbuild) => {
    esbuild.onResolve({ filter: /^\.\/node\.js$/ }, ({ path, importer }) =>
      dirname(importer) === modules ? { path, external: true } : undefined,
    )
  },
}

await mkdir(join(project, 'dist', 'bin'), { recursive: true })
await copyFile(join(modules, FIRST), join(project, 'dist', 'bin', FIRST))
// Each by itself: what several share would be cut into many small files.
for (const name of await readdir(modules)) {
  const isProgram = (await readFile(join(modules, name), 'utf8')).startsWith('#!')
  if (!isProgram) continue
  await build({
    absWorkingDir: project,
    entryPoints: [{ in: join(modules, name), out: join('bin', name.slice(0, -'.js'.length)) }],
    outdir: 'dist',
    chunkNames: 'parts/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    charset: 'utf8',
    logLevel: 'warning',
    plugins: [places, first],
  })
}
