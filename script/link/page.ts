// Links the published page's script and puts it, with its style, where the daemon looks for them. script/build runs it.
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import { followImports } from './graph.ts'
import { licencesOf } from './licences.ts'
import { linkModules } from './module.ts'

// Compiled, this file is two folders below the project's.
const project = fileURLToPath(new URL('../..', import.meta.url))
const page = join('publish', 'page')
const made = join(project, 'dist-page')

const modules = await followImports(join(made, 'browser', page, 'browser', 'main.js'), join(made, 'stage'))
const script = (await licencesOf(modules.map(({ file }) => file))) + linkModules(modules)
// Compiled but not run: a script that no browser could read ends the build here.
const checked = new Script(script, { filename: 'knock-page.js' })
if (checked.sourceMapURL !== undefined) throw new Error('the script names a source map, which is not published')
const target = join(project, 'dist', page)
await mkdir(target, { recursive: true })
await writeFile(join(target, 'knock-page.js'), script)
await copyFile(join(project, 'src', page, 'knock-page.css'), join(target, 'knock-page.css'))
