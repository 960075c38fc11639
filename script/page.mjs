// Bundles the scripts of the published pages with their packages and licences, and puts them, with their style, into dist; and the
// style of the report's page.
// Browsers get one file, and load nothing from anywhere else. script/build runs this.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const project = dirname(dirname(fileURLToPath(import.meta.url)))
const page = join('publish', 'page')

/** The folder of the package a bundled file belongs to: what follows the last node_modules, with its scope. */
const PACKAGE = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/

/**
 * Returns a comment with the licence texts of all bundled packages, as they ask for wherever they are copied to.
 *
 * @param {readonly string[]} files the bundled files, relative to the project
 * @throws {Error} if a package has no LICENSE file
 */
async function licencesOf(files) {
  const folders = new Set(files.map((file) => PACKAGE.exec(file)?.[0]).filter((folder) => folder !== undefined))
  const named = new Map()
  for (const folder of folders) {
    const { name, version } = JSON.parse(await readFile(join(project, folder, 'package.json'), 'utf8'))
    const text = (await readFile(join(project, folder, 'LICENSE'), 'utf8')).trim()
    named.set(text, [...(named.get(text) ?? []), `${name} ${version}`])
  }
  if (named.size === 0) return ''
  const parts = [...named].map(([text, names]) => `${names.toSorted().join(', ')}\n\n${text}`)
  return `/*!\n${parts.toSorted().join('\n\n').replaceAll('*/', '* /')}\n*/\n`
}

const target = join(project, 'dist', page)
await mkdir(target, { recursive: true })
/**
 * Bundles a script for browsers.
 *
 * @param {string} source below the page's folder
 * @param {string} name of the bundle
 */
async function bundle(source, name) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: project,
    entryPoints: [join('src', page, source)],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2023',
    legalComments: 'none',
    metafile: true,
    write: false,
  })
  const licences = await licencesOf(Object.keys(metafile.inputs))
  await writeFile(join(target, name), licences + outputFiles[0].text)
}

await bundle(join('browser', 'list-page', 'main.ts'), 'knock-page.js')
await bundle(join('browser', 'client', 'main.ts'), 'client.js')
await bundle(join('browser', 'client', 'main-with-lists.ts'), 'client-with-lists.js')
await bundle(join('worker', 'service-worker.ts'), 'service-worker.js')
/** @param {string} path below src */
const style = async (path) => await readFile(join(project, 'src', path), 'utf8')
const base = await style(join(page, 'base.css'))
await writeFile(join(target, 'page.css'), base + (await style(join(page, 'page.css'))))
const report = join('postern', 'report', 'page')
await mkdir(join(project, 'dist', report), { recursive: true })
await writeFile(join(project, 'dist', report, 'report.css'), base + (await style(join(report, 'report.css'))))
