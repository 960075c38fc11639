import { runCommand } from '../cli/command.ts'
import { CONFIG_UNUSABLE, DONE, FAILED } from '../cli/exit-code.ts'
import { Failure } from '../cli/fault.ts'
import { quote } from '../text/fault.ts'
import { KNOCKD } from './arguments.ts'
import type { Arguments } from './arguments.ts'
import type { Daemon } from './daemon.ts'
import { inBackground, releaseStarter, startInBackground, tellStarter } from './background.ts'

/** Milliseconds from the start until its memory is given back. */
const TRIM_AFTER_MS = 2_000

/** Runs knockd's command line and calls `exit` once when it ends. */
export async function knockd(argv: readonly string[], exit: (code: number) => void): Promise<void> {
  // The daemon keeps running if nobody reads its output.
  process.stdout.on('error', () => undefined)
  process.stderr.on('error', () => undefined)
  const output = {
    out: (text: string) => void process.stdout.write(text),
    err: (text: string) => void process.stderr.write(text),
  }
  exit(await runCommand(KNOCKD, argv, output))
}

/** The systems with libpcap and descriptors, tried or not. */
const SYSTEMS: ReadonlySet<NodeJS.Platform> = new Set(['linux', 'darwin', 'freebsd', 'openbsd', 'netbsd'])

/** @throws Failure on other systems, such as Windows */
export function requireSystem(system: NodeJS.Platform): void {
  if (SYSTEMS.has(system)) return
  throw new Failure(`knockd does not run on ${system}, only the client does`, 'run knockd on Linux')
}

/** Runs the daemon until a signal ends it, and returns the exit code. */
export async function listen(args: Arguments): Promise<number> {
  if (args.ignored.length > 0 && !inBackground()) {
    process.stderr.write(`knockd: ignored: ${args.ignored.map(quote).join(' ')}\n`)
  }
  requireSystem(process.platform)
  // A daemon without native code ends here, in one line, and not in the background.
  await import('../native/koffi.ts')
  if (args.daemon && !args.forUser && !inBackground())
    return await startInBackground((text) => process.stderr.write(text))
  // The modules below load native libraries. The code above does not.
  // One after another: Node.js 20 can fail to link modules that load at the same time (nodejs/node#52187).
  const { Daemon } = await import('./daemon.ts')
  const { ConfigError, loadConfig } = await import('./config-file.ts')
  const { openPidFile } = await import('./pid-file.ts')
  const { alreadyRunning } = await import('./already-running.ts')
  const { settle } = await import('./user/settle.ts')
  const { notify } = await import('./notify.ts')
  const { nameProcess } = await import('../native/process-name.ts')
  const { trimMemory } = await import('../native/memory.ts')
  const { endOverdueConfig } = await import('../base/config-trial.ts')
  const signals = new Signals()
  try {
    // Only root sets up, and only root can read the record of a trial.
    if (process.geteuid?.() === 0 && endOverdueConfig(args.config)) {
      say('knockd: the set-up on trial was not confirmed: the previous config is back')
    }
    const loaded = loadConfig(args.config)
    const runsAs = await settle(args, loaded.config).catch((error: unknown) => {
      throw alreadyRunning(error, args)
    })
    if (args.forUser) {
      for (const { text } of runsAs.notices) say(`knockd: ${text}`)
      return DONE
    }
    nameProcess('knockd', process.argv.slice(2))
    const pidFile = args.daemon ? openPidFile(args, loaded.config.options) : undefined
    const daemon = await Daemon.start(args, loaded, runsAs, say)
    try {
      await pidFile?.write()
    } catch (error) {
      await daemon.stop()
      throw error
    }
    notify('READY=1')
    if (inBackground()) releaseStarter()
    // The start takes more memory than the work.
    setTimeout(trimMemory, TRIM_AFTER_MS).unref()
    await signals.serve(daemon)
    await pidFile?.remove()
    return DONE
  } catch (error) {
    const { message } = error as Error
    // Every error in a config begins with its place. In other messages, further lines are hints.
    say(`knockd: ${error instanceof ConfigError ? message : message.replaceAll(/\n(?! )/g, '\n  ')}`)
    return error instanceof ConfigError ? CONFIG_UNUSABLE : FAILED
  }
}

function say(text: string): void {
  if (inBackground()) tellStarter(`${text}\n`)
  else process.stderr.write(`${text}\n`)
}

/** The daemon's signals, from before it listens. An early signal takes effect once the daemon runs. */
class Signals {
  readonly #ended: Promise<void>
  #reloads = 0
  #reload: () => void = () => undefined
  #reopen: () => void = () => undefined

  constructor() {
    process.on('SIGHUP', () => {
      this.#reloads++
      this.#reload()
    })
    process.on('SIGUSR2', () => this.#reopen())
    this.#ended = new Promise((resolve) => {
      process.on('SIGINT', () => resolve())
      process.on('SIGTERM', () => resolve())
    })
  }

  /** Reloads the daemon on SIGHUP, opens its log anew on SIGUSR2, and stops it on SIGINT or SIGTERM. */
  async serve(daemon: Pick<Daemon, 'reload' | 'reopenLog' | 'stop'>): Promise<void> {
    let reloading = Promise.resolve()
    this.#reopen = () => {
      reloading = reloading.then(() => daemon.reopenLog())
    }
    this.#reload = () => {
      if (this.#reloads === 0) return
      this.#reloads = 0
      // A failed reload logs its own error. Later reloads and an orderly end stay possible.
      reloading = reloading
        .then(() => daemon.reload())
        .catch((error: unknown) => say(`knockd: ${(error as Error).message}`))
    }
    this.#reload()
    await this.#ended
    this.#reload = () => undefined
    this.#reopen = () => undefined
    await reloading
    await daemon.stop()
  }
}
