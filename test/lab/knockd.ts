import { existsSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import type { Host } from './net.ts'
import type { Output, Process, Run } from './process.ts'
import { MODULES, PROJECT } from './project.ts'
import { scratch, writeConfig } from './scratch.ts'

export { MODULES, PROJECT }
/** Debian's knockd and knock, the peers to be compared with. */
export const REAL_KNOCKD = '/usr/sbin/knockd'
export const REAL_KNOCK = '/usr/bin/knock'

/** The file of one of our built programs. Throws when the project has not been built. */
export function program(name: 'knockd' | 'knock' | 'postern'): string {
  const file = join(PROJECT, 'dist', 'bin', `${name}.js`)
  if (!existsSync(file)) throw new Error(`not built: ${file}\nrun: script/build`)
  return file
}

/** How to start a daemon. */
export interface KnockdStart {
  readonly host: Host
  /** The text of its config, which gets a `StateDir` of its own unless it names one. */
  readonly config: string
  /** After `-v -c FILE`; `['-i', 'eth0']` without it. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** A running daemon and the files it was given. */
export interface Knockd {
  readonly process: Process
  /** Its config file: write to it and send SIGHUP. */
  readonly file: string
  readonly stateDir: string
}

/** Starts our knockd with `-v` and returns once it listens. Throws with its output when it does not. */
export async function startKnockd({ host, config, args = ['-i', 'eth0'], env = {} }: KnockdStart): Promise<Knockd> {
  const named = /^[ \t]*StateDir[ \t]*=[ \t]*(\S.*)$/im.exec(config)?.[1]
  const stateDir = named ?? scratch('state')
  const file = writeConfig(named === undefined ? withStateDir(config, stateDir) : config)
  const argv = [globalThis.process.execPath, program('knockd'), '-v', '-c', file, ...args]
  return { process: await listening(host, argv, env), file, stateDir }
}

/** Starts the daemon again, with the config and the state of one that has ended, and returns once it listens. */
export async function startAgain(
  host: Host,
  { file }: Pick<Knockd, 'file'>,
  args: readonly string[] = ['-i', 'eth0'],
): Promise<Process> {
  return await listening(host, [globalThis.process.execPath, program('knockd'), '-v', '-c', file, ...args])
}

/**
 * Starts a daemon that goes before all other processes, and returns once it listens. So it loses no packets, and takes no
 * work for long, because tests beside it use the processors.
 */
async function listening(host: Host, argv: readonly string[], env: KnockdStart['env'] = {}): Promise<Process> {
  const process = host.start(argv, { env })
  setPriority(process.pid, constants.priority.PRIORITY_HIGHEST)
  await process.line(/listening on/)
  return process
}

/** A config with `StateDir` set in its `[options]`, which is added when there is none. */
export function withStateDir(config: string, stateDir: string): string {
  const options = /^[ \t]*\[options\][^\n]*\n/im
  if (!options.test(config)) return `[options]\nStateDir = ${stateDir}\n\n${config}`
  return config.replace(options, (line) => `${line}StateDir = ${stateDir}\n`)
}

/** Starts Debian's knockd with `-v` and returns once it listens. */
export async function startRealKnockd({
  host,
  config,
  args = ['-i', 'eth0'],
  env = {},
}: KnockdStart): Promise<Process> {
  return await listening(host, [REAL_KNOCKD, '-v', '-c', writeConfig(config), ...args], env)
}

/** Runs our knock on a host to completion, whatever its exit code. It remembers no codes of runs before, unless told where. */
export async function knock(host: Host, args: readonly string[], { env, ...how }: Run = {}): Promise<Output> {
  const environment = { XDG_STATE_HOME: scratch('state'), ...env }
  return host.run([process.execPath, program('knock'), ...args], { mayFail: true, ...how, env: environment })
}
