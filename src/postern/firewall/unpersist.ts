import { copyFile, lstat, readFile, rm, truncate } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Output } from '../../cli/output.ts'
import { ANYBODYS } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { replaceFile } from './persist.ts'
import { NFT_FILES, RULES_MAX_BYTES, backupName, includedFolder } from './place.ts'

/** The folders that may hold Postern's base ruleset for the start of the machine. */
const FOLDERS = ['/etc', '/etc/nftables.d', '/etc/sysconfig/nftables']
export const PERSISTED_NAME = 'postern-base.nft'

/** Returns the paths of Postern's base rulesets for the start of the machine. */
export function persistedFiles(root = '/'): readonly string[] {
  return FOLDERS.map((folder) => join(folder, PERSISTED_NAME)).filter((path) => existsSync(join(root, path)))
}

/**
 * Returns those of {@link persistedFiles} that the machine's own file includes, by name or by folder.
 *
 * @throws FileError if that file is larger than {@link RULES_MAX_BYTES}, or cannot be read
 */
export function loadedFiles(root = '/'): readonly string[] {
  const mains = NFT_FILES.map((main) => join(root, main)).filter((main) => existsSync(main))
  const texts = mains.map((main) => readPrivateText(main, RULES_MAX_BYTES, ANYBODYS))
  return persistedFiles(root).filter((path) =>
    texts.some(
      (text) =>
        includedFolder(text, root) === dirname(path) || linesIn(text).some((line) => line.includes(`"${path}"`)),
    ),
  )
}

/** Returns the lines that name a base ruleset of Postern. */
function linesIn(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.filter((line) => line.includes(PERSISTED_NAME) && !line.startsWith('#'))
}

/** Returns the machine's files that name a base ruleset of Postern, with the line. */
export async function includes(root = '/'): Promise<readonly { readonly main: string; readonly line: string }[]> {
  const found = []
  for (const main of NFT_FILES) {
    const text = await readFile(join(root, main), 'utf8').catch(() => '')
    found.push(...linesIn(text).map((line) => ({ main, line })))
  }
  return found
}

/**
 * Stops the machine from loading Postern's base ruleset when it starts, and prints what was done. The line that
 * includes the file is removed before the file: nft loads nothing if an included file is missing. If the line cannot be
 * removed, the file is emptied, which needs no disk space.
 *
 * @returns true if nothing is left of it
 */
export async function unpersist(output: Output, root = '/'): Promise<boolean> {
  let all = true
  for (const { main, line } of await includes(root)) {
    try {
      await takeOut(main, line, root, output)
    } catch (error) {
      all = false
      output.err(
        `postern: ${main} still has the line: ${line}\n  remove it, and run this again: ${(error as Error).message}\n`,
      )
    }
  }
  for (const path of persistedFiles(root)) {
    try {
      if (all) {
        await rm(join(root, path))
        output.out(`removed: ${path}\n`)
      } else {
        await truncate(join(root, path))
        output.out(`emptied: ${path}\n`)
      }
    } catch (error) {
      all = false
      output.err(`postern: ${path} is still loaded when the machine starts: ${(error as Error).message}\n`)
    }
  }
  return all
}

async function takeOut(main: string, line: string, root: string, output: Output): Promise<void> {
  const path = join(root, main)
  const stat = await lstat(path)
  if (stat.isSymbolicLink()) throw new Error('it is a symbolic link')
  if (!/^include "[^"*?]*"\s*;?$/.test(line)) throw new Error('it is not the line that postern adds')
  const before = await readFile(path, 'utf8')
  const kept = before.split('\n')
  const at = kept.findIndex((one) => one.trim() === line)
  // The empty line above was added with the line.
  const from = at > 0 && kept[at - 1] === '' ? at - 1 : at
  kept.splice(from, at - from + 1)
  const backup = backupName(main, root)
  await copyFile(path, join(root, backup))
  output.err(`postern: copy of ${main}: ${backup}\n`)
  await replaceFile(path, kept.join('\n'), stat.mode & 0o777, stat)
  output.out(`removed from ${main}: ${line}\n`)
}
