import { execFile } from 'node:child_process'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { LinkError, requiredBy } from './module.ts'
import type { Module } from './module.ts'

/** What the compiler does with files that others wrote: no checks, nothing but another way to import and export. */
const COMPILER_OPTIONS = {
  allowJs: true,
  noCheck: true,
  noResolve: true,
  module: 'commonjs',
  moduleResolution: 'bundler',
  target: 'es2022',
  removeComments: true,
  types: [],
  rootDir: 'in',
  outDir: 'out',
}

/** The most modules a page may have: some fifty are needed, more would be a package taken in by mistake. */
const MODULES_MAX = 200

const execute = promisify(execFile)
const compiler = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace(/package\.json$/, 'bin/tsc')

/**
 * Follows the imports of an ES module, JavaScript, and gives back all that is needed, `entry` first, each as CommonJS by
 * TypeScript's own compiler. Names are resolved as Node.js does. `stage` is a folder for the compiler, emptied first.
 * Throws {@link LinkError} for what cannot be part of a page, such as Node.js's own modules, and with the compiler's
 * complaint.
 */
export async function followImports(entry: string, stage: string): Promise<readonly Module[]> {
  await rm(stage, { recursive: true, force: true })
  await mkdir(join(stage, 'in'), { recursive: true })
  // Else files would be taken for what the nearest package says they are.
  await writeFile(join(stage, 'in', 'package.json'), '{ "type": "commonjs" }\n')
  const places = new Map([[entry, 0]])
  const modules: Module[] = []
  while (modules.length < places.size) {
    const files = [...places.keys()].slice(modules.length)
    const codes = await convert(files, modules.length, stage)
    for (const [index, file] of files.entries()) {
      const code = codes[index]!
      const required = requiredBy(file, code).map((name) => [name, resolved(file, name)] as const)
      for (const [, target] of required) if (!places.has(target)) places.set(target, places.size)
      modules.push({ file, code, places: new Map(required.map(([name, target]) => [name, places.get(target)!])) })
    }
    if (places.size > MODULES_MAX) throw new LinkError(`${entry}: needs more than ${MODULES_MAX} modules`)
  }
  return modules
}

/** Files as CommonJS, in their order; they are numbered from `first` on so that none has the name of another. */
async function convert(files: readonly string[], first: number, stage: string): Promise<readonly string[]> {
  const names = files.map((_file, index) => `${first + index}.js`)
  for (const [index, file] of files.entries()) await copyFile(file, join(stage, 'in', names[index]!))
  const project = { compilerOptions: COMPILER_OPTIONS, files: names.map((name) => `in/${name}`) }
  await writeFile(join(stage, 'tsconfig.json'), JSON.stringify(project))
  try {
    await execute(process.execPath, [compiler, '-p', stage])
  } catch (error) {
    const { stdout } = error as { readonly stdout?: string }
    throw new LinkError(`the compiler refused ${files.join(', ')}\n${stdout ?? ''}`, { cause: error })
  }
  return Promise.all(names.map(async (name) => readFile(join(stage, 'out', name), 'utf8')))
}

function resolved(file: string, name: string): string {
  const target = createRequire(file).resolve(name)
  if (!isAbsolute(target)) throw new LinkError(`${file}: needs ${name}, which browsers do not have`)
  return target
}
