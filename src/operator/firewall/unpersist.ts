import { copyFile, lstat, readFile, rm, truncate } from 'node:fs/promises'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Output } from '../check.ts'
import { replaceFile } from './persist.ts'
import { NFT_FILES, backupName, includedFolder } from './place.ts'

/** Folders in which a base ruleset of ours may be that is loaded when the machine starts, and its name. */
const FOLDERS = ['/etc', '/etc/nftables.d', '/etc/sysconfig/nftables']
export const PERSISTED_NAME = 'postern-base.nft'

/** Base rulesets of ours that are loaded when the machine starts. */
export function persistedFiles(root = '/'): readonly string[] {
  return FOLDERS.map((folder) => join(folder, PERSISTED_NAME)).filter((path) => existsSync(join(root, path)))
}

/** Those of them that the machine's file names, by itself or with its folder: only they are loaded. */
export function loadedFiles(root = '/'): readonly string[] {
  const texts = NFT_FILES.filter((main) => existsSync(join(root, main))).map((main) =>
    readFileSync(join(root, main), 'utf8'),
  )
  return persistedFiles(root).filter((path) =>
    texts.some(
      (text) =>
        includedFolder(text, root) === dirname(path) || linesIn(text).some((line) => line.includes(`"${path}"`)),
    ),
  )
}

/** Lines that name one of ours. */
function linesIn(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.filter((line) => line.includes(PERSISTED_NAME) && !line.startsWith('#'))
}

/** The machine's files that name one of ours, with the line. */
export async function includes(root = '/'): Promise<readonly { readonly main: string; readonly line: string }[]> {
  const found = []
  for (const main of NFT_FILES) {
    const text = await readFile(join(root, main), 'utf8').catch(() => '')
    found.push(...linesIn(text).map((line) => ({ main, line })))
  }
  return found
}

/**
 * Has no base ruleset of ours loaded any more when the machine starts, and says what was done. First the line goes that names
 * it, then the file: a file that is named and not there would keep the machine's other rules from being loaded. Where the line
 * cannot be taken out, the file is emptied, which needs no room on a disk.
 *
 * @returns whether nothing of it is left
 */
export async function unpersist(output: Output, root = '/'): Promise<boolean> {
  let all = true
  for (const { main, line } of await includes(root)) {
    try {
      await takeOut(main, line, root, output)
    } catch (error) {
      all = false
      output.err(
        `postern: ${main} still has the line: ${line}\n  take it out, and run this again: ${(error as Error).message}\n`,
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
  // The empty line above came with it.
  const from = at > 0 && kept[at - 1] === '' ? at - 1 : at
  kept.splice(from, at - from + 1)
  const backup = backupName(main, root)
  await copyFile(path, join(root, backup))
  output.err(`postern: ${main} as it was: ${backup}\n`)
  await replaceFile(path, kept.join('\n'), stat.mode & 0o777, stat)
  output.out(`removed from ${main}: ${line}\n`)
}
