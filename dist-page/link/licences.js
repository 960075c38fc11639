import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
const PACKAGE = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/
export async function licencesOf(files) {
  const folders = new Set(files.map((file) => PACKAGE.exec(file)?.[0]).filter((folder) => folder !== undefined))
  const named = new Map()
  for (const folder of folders) {
    const { name, version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    const text = (await readFile(join(folder, 'LICENSE'), 'utf8')).trim()
    named.set(text, (named.get(text) ?? new Set()).add(`${name} ${version}`))
  }
  const parts = [...named].map(([text, names]) => `${[...names].sort().join(', ')}\n\n${text}`)
  return `/*!\n${parts.sort().join('\n\n').replaceAll('*/', '* /')}\n*/\n`
}
