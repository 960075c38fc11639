import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { usersJournal } from '../../src/daemon/state-path.ts'
import { KNOCKS } from './guarded.ts'
import { program } from './knockd.ts'
import type { Host } from './net.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'

/** A user of every Debian, with a group of its own. */
export const USER = { name: 'daemon', uid: 1, gid: 1 } as const
/** CAP_NET_ADMIN and CAP_NET_RAW, as proc(5) shows them; and CAP_NET_ADMIN alone. */
export const TWO = '0000000000003000'
export const ADMIN = '0000000000001000'
export const NONE = '0000000000000000'

/** A folder that everybody can enter. The lab's own is root's alone. */
export function openFolder(name: string): string {
  const folder = scratch(name)
  mkdirSync(folder, { mode: 0o755 })
  chmodSync(folder, 0o755)
  chmodSync(dirname(folder), 0o755)
  return folder
}

/** Writes a file that root shares with the user's group. */
export function share(path: string, text: string | Uint8Array, mode = 0o640): string {
  writeFileSync(path, text)
  chownSync(path, 0, USER.gid)
  chmodSync(path, mode)
  return path
}

/** Lets a group read a file, or a folder with all that is in it. */
export function shareAll(path: string, group: string): void {
  execFileSync('chgrp', ['-R', group, path])
  execFileSync('chmod', ['-R', 'g+rX', path])
}

/** The places of a daemon with a `User`. */
export interface Places {
  readonly folder: string
  readonly file: string
  readonly stateDir: string
}

/** Writes a config with a `User`, lines in `[options]`, and a door by knocks that opens port 22 where no other is given. */
export function places(
  options = '',
  doors = `[ssh]\nSequence = ${KNOCKS.join()}\nOpen_Ports = tcp/22\nOpen_For = 120s\n`,
): Places {
  const folder = openFolder('etc')
  const stateDir = join(folder, 'state')
  const file = join(folder, 'knockd.conf')
  const at = { folder, file, stateDir }
  configure(at, `User = ${USER.name}\n${options}`, doors)
  return at
}

/** Writes the config anew. */
export function configure({ file, stateDir }: Places, options: string, doors: string): void {
  share(file, `[options]\nStateDir = ${stateDir}\n${options}\n${doors}\n`)
}

/** Starts the daemon, and waits until it listens. */
export async function start(host: Host, { file }: Places, ...more: readonly string[]): Promise<Process> {
  const process = begin(host, file, ...more)
  await process.line(/listening on/)
  return process
}

/** Starts the daemon. */
export function begin(host: Host, file: string, ...more: readonly string[]): Process {
  return host.start([...words(file), ...more], { env: { LD_PRELOAD: '', NODE_OPTIONS: '--no-deprecation' } })
}

/** The daemon's command line. */
export function words(file: string): readonly string[] {
  return [process.execPath, program('knockd'), '-v', '-c', file, '-i', 'eth0']
}

/** The lines of proc(5) on the credentials of each thread, the main one first: as text, 100000 comes before 99999. */
export function threadsOf(pid: number): readonly Readonly<Record<string, string>>[] {
  const names = ['Uid', 'Gid', 'Groups', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs']
  const others = readdirSync(`/proc/${pid}/task`).filter((thread) => thread !== String(pid))
  return [String(pid), ...others].map((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8')
    return Object.fromEntries(
      names.map((name) => [name, new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(text)![1]!.replaceAll('\t', ' ')]),
    )
  })
}

/** The journal of a daemon of root's, and of one that runs as the user. */
export function journals({ stateDir }: Places): { readonly roots: string; readonly users: string } {
  const name = readdirSync(stateDir).find((each) => /\.(?:user|journal)$/.test(each))!
  const roots = join(stateDir, name.replace(/\.(?:user|journal)$/, '.journal'))
  return { roots, users: usersJournal(roots) }
}
