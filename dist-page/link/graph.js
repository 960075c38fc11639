import { execFile } from 'node:child_process'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { LinkError, requiredBy } from './module.js'
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
const MODULES_MAX = 200
const execute = promisify(execFile)
const compiler = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace(/package\.json$/, 'bin/tsc')
export async function followImports(entry, stage) {
  await rm(stage, { recursive: true, force: true })
  await mkdir(join(stage, 'in'), { recursive: true })
  await writeFile(join(stage, 'in', 'package.json'), '{ "type": "commonjs" }\n')
  const places = new Map([[entry, 0]])
  const modules = []
  while (modules.length < places.size) {
    const files = [...places.keys()].slice(modules.length)
    const codes = await convert(files, modules.length, stage)
    for (const [index, file] of files.entries()) {
      const code = codes[index]
      const required = requiredBy(file, code).map((name) => [name, resolved(file, name)])
      for (const [, target] of required) if (!places.has(target)) places.set(target, places.size)
      modules.push({ file, code, places: new Map(required.map(([name, target]) => [name, places.get(target)])) })
    }
    if (places.size > MODULES_MAX) throw new LinkError(`${entry}: needs more than ${MODULES_MAX} modules`)
  }
  return modules
}
async function convert(files, first, stage) {
  const names = files.map((_file, index) => `${first + index}.js`)
  for (const [index, file] of files.entries()) await copyFile(file, join(stage, 'in', names[index]))
  const project = { compilerOptions: COMPILER_OPTIONS, files: names.map((name) => `in/${name}`) }
  await writeFile(join(stage, 'tsconfig.json'), JSON.stringify(project))
  try {
    await execute(process.execPath, [compiler, '-p', stage])
  } catch (error) {
    const { stdout } = error
    throw new LinkError(`the compiler refused ${files.join(', ')}\n${stdout ?? ''}`, { cause: error })
  }
  return Promise.all(names.map(async (name) => readFile(join(stage, 'out', name), 'utf8')))
}
function resolved(file, name) {
  const target = createRequire(file).resolve(name)
  if (!isAbsolute(target)) throw new LinkError(`${file}: needs ${name}, which browsers do not have`)
  return target
}
