import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The folder of the package a file of node_modules belongs to: what follows the last one, with its scope. */
const PACKAGE = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/

/**
 * A comment with the licences of all packages these files are from, as they ask for wherever they are copied to: each
 * text once, under the names and versions it is for. Throws when a package comes without one.
 */
export async function licencesOf(files: readonly string[]): Promise<string> {
  const folders = new Set(files.map((file) => PACKAGE.exec(file)?.[0]).filter((folder) => folder !== undefined))
  const named = new Map<string, Set<string>>()
  for (const folder of folders) {
    const { name, version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, string>
    const text = (await readFile(join(folder, 'LICENSE'), 'utf8')).trim()
    named.set(text, (named.get(text) ?? new Set()).add(`${name} ${version}`))
  }
  const parts = [...named].map(([text, names]) => `${[...names].sort().join(', ')}\n\n${text}`)
  return `/*!\n${parts.sort().join('\n\n').replaceAll('*/', '* /')}\n*/\n`
}
