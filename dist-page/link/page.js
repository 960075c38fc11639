import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import { followImports } from './graph.js'
import { licencesOf } from './licences.js'
import { linkModules } from './module.js'
const project = fileURLToPath(new URL('../..', import.meta.url))
const page = join('publish', 'page')
const made = join(project, 'dist-page')
const modules = await followImports(join(made, 'browser', page, 'browser', 'main.js'), join(made, 'stage'))
const script = (await licencesOf(modules.map(({ file }) => file))) + linkModules(modules)
const checked = new Script(script, { filename: 'knock-page.js' })
if (checked.sourceMapURL !== undefined) throw new Error('the script names a source map, which is not published')
const target = join(project, 'dist', page)
await mkdir(target, { recursive: true })
await writeFile(join(target, 'knock-page.js'), script)
await copyFile(join(project, 'src', page, 'knock-page.css'), join(target, 'knock-page.css'))
