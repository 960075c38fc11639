import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Starter } from '../../base/config-trial.ts'
import { inFirstNetwork } from '../../base/places.ts'
import { CONFIG_DEFAULT } from '../../cli/option.ts'
import { readConfig } from '../../config/read.ts'
import type { Status } from '../../control/message.ts'
import { shellWord } from '../../text/shell-word.ts'
import { run } from '../../twin/agent.ts'
import { presentStatus } from '../control/present-status.ts'
import { replaceFile } from '../firewall/persist.ts'

/** Milliseconds that a daemon has to end before it is killed: it may run commands that close what is open. */
const STOP_MAX_MS = 20_000
/** Milliseconds until a daemon that has started answers at its control socket. */
const ANSWER_MAX_MS = 5_000
/** Milliseconds between two checks. */
const LOOK_MS = 50
/** The folder that exists if systemd is the init (sd_booted(3)). */
const SYSTEMD = '/run/systemd/system'
/** The name for all interfaces. */
export const ANY = 'any'
const INIT_SCRIPT = '/etc/init.d/knockd'
const DEFAULTS = '/etc/default/knockd'
const DEFAULTS_MODE = 0o644
const FOLDER_MODE = 0o755
const BOOT_FILE = '/etc/systemd/system/knockd.service.d/postern-setup.conf'
/** The daemon of this copy of Postern, and the one that packages install. */
const KNOCKD = fileURLToPath(new URL('../../bin/knockd.js', import.meta.url))
/** The program that takes a trial back. */
export const KEEPER = fileURLToPath(new URL('../../bin/setup-keeper.js', import.meta.url))
const INSTALLED = '/usr/sbin/knockd'
/** The line of the init script's defaults that decides whether it starts the daemon. */
const START_LINE = /^[ \t]*START_KNOCKD=.*$/m

/** One way to start, stop and enable the daemon. */
export interface Service {
  readonly starter: Starter
  /** The words for the operator, as in `by systemd`. */
  readonly how: string
  /** Starts the daemon, or starts it again. Returns the reason if it does not run then. */
  start(): Promise<string | undefined>
  /** Ends the daemon. @param pid its process, if it is known */
  stop(pid: number | undefined): Promise<void>
  /** Returns true if it starts with the machine, or if nothing starts it then. */
  isEnabled(): Promise<boolean>
  /** Has it started with the machine. Returns the reason if that fails. */
  enable(): Promise<string | undefined>
  /** The file that has a start after a reboot end a trial first; `undefined`: no start needs that. */
  readonly bootFile: string | undefined
  /** Writes that file, if the machine starts the daemon. @throws the system's error */
  guardBoot(): Promise<void>
  /** Has the service manager read its files and the config again. */
  reread(): Promise<void>
}

/** Finds what starts the daemon. The machine's init starts it only with the config that packages use. */
export async function findStarter(config: string): Promise<Starter> {
  if (config !== CONFIG_DEFAULT || !inFirstNetwork()) return 'none'
  if (existsSync(SYSTEMD)) {
    const { stdout } = await run(['systemctl', 'show', '--property=LoadState', '--value', 'knockd.service'])
    return stdout.trim() === 'loaded' ? 'systemd' : 'none'
  }
  return existsSync(INIT_SCRIPT) ? 'sysv' : 'none'
}

/** Returns the program that the machine's service runs, if it is another program than Postern's knockd. */
export async function foreignProgram(starter: Starter): Promise<string | undefined> {
  if (starter === 'none') return undefined
  let program = INSTALLED
  if (starter === 'systemd') {
    const { stdout } = await run(['systemctl', 'show', '--property=ExecStart', '--value', 'knockd.service'])
    program = /path=(\S+)/.exec(stdout)?.[1] ?? program
  }
  if (basename(program) !== 'knockd') return undefined
  const { stdout } = await run([program, '--version'])
  return stdout.includes('Postern') ? undefined : program
}

/** Returns the service of a starter. */
export function serviceOf(starter: Starter, config: string): Service {
  if (starter === 'systemd') return new Systemd(config)
  return starter === 'sysv' ? new InitScript(config) : new Direct(config)
}

/** Waits for the daemon to answer. Returns the reason why no knock would open anything. */
export async function faultOf(config: string): Promise<string | undefined> {
  const until = performance.now() + ANSWER_MAX_MS
  let status: Status | undefined
  while (status === undefined && performance.now() < until) {
    status = await presentStatus(config, [])
    if (status === undefined) await pause(LOOK_MS)
  }
  if (status === undefined) return `it does not answer for ${config}: look at KNOCKD_OPTS in ${DEFAULTS}`
  const { interfaces, guard } = status
  const waiting = interfaces.find((each) => each.waiting !== undefined)
  if (waiting !== undefined) return `${waiting.name}: ${waiting.waiting ?? ''}`
  const wanted = readConfig(readFileSync(config, 'utf8'), config).config?.options.interfaces ?? []
  const names = interfaces.map(({ name }) => name)
  const deaf = wanted.find((name) => name !== ANY && !names.includes(name))
  if (deaf !== undefined) {
    return `it listens on ${names.join(', ')} and not on ${deaf}: KNOCKD_OPTS in ${DEFAULTS} goes before the config`
  }
  return guard?.fault === undefined ? undefined : `the guard is not in force: ${guard.fault}`
}

/** Sets START_KNOCKD to 1 in the defaults of the init script, and leaves all other lines. */
export function withStart(text: string): string {
  if (START_LINE.test(text)) return text.replace(START_LINE, 'START_KNOCKD=1')
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}START_KNOCKD=1\n`
}

class Direct implements Service {
  readonly starter: Starter = 'none'
  readonly how: string = 'by itself, and not with the machine'
  readonly bootFile: string | undefined = undefined
  protected readonly config: string

  constructor(config: string) {
    this.config = config
  }

  async start(): Promise<string | undefined> {
    await this.stop(undefined)
    const { code, stderr } = await run(this.command)
    return code === 0 ? await faultOf(this.config) : reason(stderr)
  }

  async stop(pid: number | undefined): Promise<void> {
    await endProcess((await presentStatus(this.config, []))?.pid ?? pid)
  }

  async isEnabled(): Promise<boolean> {
    return await Promise.resolve(true)
  }

  async enable(): Promise<string | undefined> {
    return await Promise.resolve(undefined)
  }

  async guardBoot(): Promise<void> {
    // The daemon is root when it starts, and ends the trial itself.
  }

  async reread(): Promise<void> {
    // Nothing has read the config but the daemon.
  }

  protected get command(): readonly string[] {
    return [process.execPath, KNOCKD, '-d', '-c', this.config]
  }
}

class InitScript extends Direct {
  override readonly starter = 'sysv'
  override readonly how = `by ${INIT_SCRIPT}`

  override async isEnabled(): Promise<boolean> {
    return await Promise.resolve(/^[ \t]*START_KNOCKD=["']?1["']?[ \t]*$/m.test(defaults()))
  }

  override async enable(): Promise<string | undefined> {
    try {
      await replaceFile(DEFAULTS, withStart(defaults()), DEFAULTS_MODE)
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  /** The init script starts nothing before it is enabled, so this is its command, with its options and its pid file. */
  protected override get command(): readonly string[] {
    const line = `KNOCKD_OPTS=; [ -r ${DEFAULTS} ] && . ${DEFAULTS}; exec ${shellWord(INSTALLED)} -d $KNOCKD_OPTS`
    return ['sh', '-c', line]
  }
}

class Systemd extends Direct {
  override readonly starter = 'systemd'
  override readonly how = 'by systemd'
  override readonly bootFile = BOOT_FILE

  /** A unit may start the daemon as another user, who could not put the previous config back. */
  override async guardBoot(): Promise<void> {
    if (!(await this.isEnabled())) return
    const line = `ExecStartPre=-+"${process.execPath}" "${KEEPER}" "${this.config}"`
    mkdirSync(dirname(BOOT_FILE), { recursive: true, mode: FOLDER_MODE })
    await replaceFile(
      BOOT_FILE,
      `# Made by postern setup, and removed when its trial ends.\n[Service]\n${line}\n`,
      DEFAULTS_MODE,
    )
  }

  override async reread(): Promise<void> {
    // A generator may make units of what the config says.
    await run(['systemctl', 'daemon-reload'])
  }

  override async start(): Promise<string | undefined> {
    await this.reread()
    // Earlier failures would count towards the limit of starts.
    await run(['systemctl', 'reset-failed', 'knockd.service'])
    const { code, stderr } = await run(['systemctl', 'restart', 'knockd.service'])
    if (code === 0) return await faultOf(this.config)
    const { stdout } = await run(['systemctl', 'status', '--no-pager', '--lines=5', 'knockd.service'])
    const said = stdout.split('\n').filter((line) => /\bknockd\[\d+\]: /.test(line))
    return [reason(stderr), ...said.map((line) => line.replace(/^.*?knockd\[\d+\]: /, '  '))].join('\n')
  }

  override async stop(pid: number | undefined): Promise<void> {
    const { code } = await run(['systemctl', 'stop', 'knockd.service'])
    if (code !== 0) await super.stop(pid)
  }

  override async isEnabled(): Promise<boolean> {
    return (await run(['systemctl', 'is-enabled', 'knockd.service'])).stdout.startsWith('enabled')
  }

  override async enable(): Promise<string | undefined> {
    const { code, stderr } = await run(['systemctl', 'enable', 'knockd.service'])
    return code === 0 ? undefined : reason(stderr)
  }
}

function defaults(): string {
  return existsSync(DEFAULTS) ? readFileSync(DEFAULTS, 'utf8') : ''
}

function reason(stderr: string): string {
  return stderr.trim() || 'it gives no reason'
}

/** Ends a knockd, and kills it if it does not end in time. A process of another name is left alone. */
async function endProcess(pid: number | undefined): Promise<void> {
  const isKnockd = (): boolean => pid !== undefined && nameOf(pid) === 'knockd'
  if (pid === undefined || !isKnockd()) return
  process.kill(pid, 'SIGTERM')
  const until = performance.now() + STOP_MAX_MS
  while (isKnockd()) {
    if (performance.now() > until) process.kill(pid, 'SIGKILL')
    await pause(LOOK_MS)
  }
}

/** Returns the kernel's name of a process; a zombie has ended. */
function nameOf(pid: number): string | undefined {
  try {
    const [, name, state] = /^\d+ \((.*)\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? []
    return state === 'Z' ? undefined : name
  } catch {
    return undefined
  }
}
