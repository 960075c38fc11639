import { existsSync } from 'node:fs'
import { chown, copyFile, lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PRINTED_BY } from '../../firewall/kernel/heading.ts'
import { USABLE, WARNED } from '../check.ts'
import type { Output } from '../check.ts'
import { differing } from './difference.ts'
import { backupName, placesFor } from './place.ts'
import type { Placed, Ruleset } from './place.ts'

/** Root only: the rules hold the knocks. */
const SECRET_MODE = 0o600
const FOLDER_MODE = 0o755
/** How many lines into a file ours say that they are ours. */
const MARK_WITHIN_LINES = 5

/** How to go about it. */
export interface Persist {
  readonly root: string
  readonly dryRun: boolean
  readonly replace: boolean
}

/**
 * Writes rulesets where the machine loads them when it starts, and says what changes. Rules of somebody else are
 * replaced only if that is asked for; whatever is replaced is kept as a copy.
 *
 * @returns the exit code
 */
export async function persist(rulesets: readonly Ruleset[], how: Persist, output: Output): Promise<number> {
  try {
    return await write(rulesets, how, output)
  } catch (error) {
    output.err(`postern: ${(error as Error).message}\n`)
    return WARNED
  }
}

async function write(
  rulesets: readonly Ruleset[],
  { root, dryRun, replace }: Persist,
  output: Output,
): Promise<number> {
  const places = placesFor(rulesets, root)
  if ('unclear' in places) {
    output.err(`postern: nothing is written: ${places.unclear}\n  ${places.hint}\n`)
    return WARNED
  }
  const changed = places.files.filter(({ text, before }) => text !== before)
  for (const { path, before, text } of changed) output.err(differing(path, before, text))
  if (changed.length === 0) output.err(`postern: ${places.files.map(({ path }) => path).join(', ')}: as it should be\n`)
  for (const { path } of changed) {
    if ((await lstat(join(root, path)).catch(() => undefined))?.isSymbolicLink() === true) {
      output.err(`postern: nothing is written: ${path} is a symbolic link\n  put a file in its place\n`)
      return WARNED
    }
  }
  const foreign = changed.filter(isForeign)
  if (foreign.length > 0 && !replace) {
    const names = foreign.map(({ path }) => path).join(', ')
    output.err(
      `postern: nothing is written: ${names} holds rules that are not ours\n  --replace keeps a copy of it and puts ours in its place\n`,
    )
    return WARNED
  }
  if (dryRun) {
    output.err('postern: nothing is written: --dry-run\n')
    return USABLE
  }
  for (const file of changed) await put(file, root, output)
  if (!enabled(places.unit, root)) {
    output.err(`postern: to have them loaded when the machine starts: systemctl enable ${places.unit}\n`)
  }
  return USABLE
}

function isForeign({ before, adds }: Placed): boolean {
  if (before === undefined || adds || before.trim() === '') return false
  return !before.split('\n', MARK_WITHIN_LINES).some((line) => line.startsWith(PRINTED_BY))
}

async function put({ path, text, before, adds }: Placed, root: string, output: Output): Promise<void> {
  const real = join(root, path)
  await mkdir(dirname(real), { recursive: true, mode: FOLDER_MODE })
  const stat = await lstat(real).catch(() => undefined)
  if (before !== undefined) {
    const backup = backupName(path, root)
    await copyFile(real, join(root, backup))
    output.err(`postern: ${path} as it was: ${backup}\n`)
  }
  await replaceFile(real, text, adds && stat !== undefined ? stat.mode & 0o777 : SECRET_MODE, stat)
  output.err(`postern: written: ${path}\n`)
}

/** Puts a file in the place of another in one step: a crash leaves the one or the other. */
export async function replaceFile(
  path: string,
  text: string,
  mode: number,
  like?: { uid: number; gid: number },
): Promise<void> {
  const fresh = `${path}.postern-new`
  await rm(fresh, { force: true })
  const handle = await open(fresh, 'wx', mode)
  try {
    await handle.chmod(mode)
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  if (like !== undefined) await chown(fresh, like.uid, like.gid)
  await rename(fresh, path)
  const folder = await open(dirname(path))
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Whether systemd starts the units, as far as links tell; a machine without systemd has no links to look at. */
function enabled(units: string, root: string): boolean {
  const folder = join(root, '/etc/systemd/system')
  if (!existsSync(folder)) return true
  return units
    .split(' ')
    .every((unit) =>
      ['sysinit.target.wants', 'multi-user.target.wants', 'basic.target.wants'].some((wants) =>
        existsSync(join(folder, wants, `${unit}.service`)),
      ),
    )
}
