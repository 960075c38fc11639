import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's folder: the nearest one above this file that has a package.json. The bench builds this file elsewhere. */
export const PROJECT = projectAbove(dirname(fileURLToPath(import.meta.url)))

/** The folder of its modules as the compiler wrote them, before they are joined into programs. */
export const MODULES = join(PROJECT, 'build')

function projectAbove(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : projectAbove(dirname(folder))
}
