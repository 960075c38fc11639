import { existsSync } from 'node:fs'
import { chown, copyFile, lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DONE } from '../../cli/exit-code.ts'
import { Failure, failed } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import { PRINTED_BY } from '../../firewall/kernel-only/heading.ts'
import { differing } from './difference.ts'
import { backupName, placesFor } from './place.ts'
import type { Placed, Ruleset } from './place.ts'

/** The mode of a file of rules, which only root can read because the rules contain the knocks. */
const SECRET_MODE = 0o600
const FOLDER_MODE = 0o755
/** The number of first lines of a file that are searched for the mark of Postern's files. */
const MARK_WITHIN_LINES = 5

/** The options of {@link persist}. */
export interface Persist {
  readonly root: string
  readonly dryRun: boolean
  readonly replace: boolean
}

/**
 * Writes rulesets to the files that the machine loads when it starts, and prints the changes. Rules that Postern did
 * not write are replaced only with `--replace`. A copy of every replaced file is kept.
 *
 * @returns the exit code
 */
export async function persist(rulesets: readonly Ruleset[], how: Persist, output: Output): Promise<number> {
  try {
    return await write(rulesets, how, output)
  } catch (error) {
    return failed(error, output)
  }
}

async function write(
  rulesets: readonly Ruleset[],
  { root, dryRun, replace }: Persist,
  output: Output,
): Promise<number> {
  const places = placesFor(rulesets, root)
  if ('unclear' in places) {
    throw new Failure(`nothing is written: ${places.unclear}`, places.hint)
  }
  const changed = places.files.filter(({ text, before }) => text !== before)
  for (const { path, before, text } of changed) output.err(differing(path, before, text))
  if (changed.length === 0)
    output.err(`postern: ${places.files.map(({ path }) => path).join(', ')}: already up to date\n`)
  for (const { path } of changed) {
    if ((await lstat(join(root, path)).catch(() => undefined))?.isSymbolicLink() === true) {
      throw new Failure(`nothing is written: ${path} is a symbolic link`, 'replace it with a file')
    }
  }
  const foreign = changed.filter(isForeign)
  if (foreign.length > 0 && !replace) {
    const names = foreign.map(({ path }) => path).join(', ')
    throw new Failure(
      `nothing is written: ${names} holds rules that Postern did not write`,
      "--replace keeps a copy of it and writes Postern's in its place",
    )
  }
  if (dryRun) {
    output.err('postern: nothing is written: --dry-run\n')
    return DONE
  }
  for (const file of changed) await put(file, root, output)
  if (!enabled(places.unit, root)) {
    output.err(`postern: to load them when the machine starts: systemctl enable ${places.unit}\n`)
  }
  return DONE
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
    output.err(`postern: copy of ${path}: ${backup}\n`)
  }
  await replaceFile(real, text, adds && stat !== undefined ? stat.mode & 0o777 : SECRET_MODE, stat)
  output.err(`postern: written: ${path}\n`)
}

/** Replaces a file atomically: after a crash there is the old file or the new one. */
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

/** Returns true if links of systemd start the units at boot, or if the machine does not use systemd. */
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
