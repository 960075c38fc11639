import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import { steadyNow } from '../capture/steady-clock.ts'
import { tryLock } from '../native/libc.ts'
import { openHolderMarks } from '../secret/holder-marks.ts'
import { openStore } from '../state/store.ts'
import { alreadyRunning } from './already-running.ts'
import type { Arguments } from './arguments.ts'
import { loadConfig } from './config-file.ts'
import type { LoadedConfig } from './config-file.ts'
import { joinFleet, memberOf } from './fleet.ts'
import { runHook } from './hook.ts'
import type { Log } from '../log/log.ts'
import { logSettings, openLog } from './logging.ts'
import { notify, notifyReloading } from './notify.ts'
import { lossWaitMs, sayLosses } from '../secret/since-loss.ts'
import { Observation } from './observation.ts'
import { countersPath, marksPath, statePath } from './state-path.ts'
import { Parts } from './parts.ts'
import { prepareReload, refuseReload } from './user/reload.ts'
import type { RunsAs } from './user/settle.ts'
import type { State } from './parts.ts'
import { Supervision } from './supervision.ts'

/** A running daemon. It starts, reloads and stops its parts, each time in the order that safety needs. */
export class Daemon {
  readonly #args: Arguments
  #config: Config
  readonly #log: Log
  readonly #state: State
  readonly #parts: Parts
  readonly #supervision: Supervision
  /** The `Fleet` of the config at the start; `undefined`: none. */
  readonly #joined: string | undefined
  #hasRefusedConfig = false
  #ended = false

  /**
   * Opens the log and the state, closes expired openings, and listens.
   *
   * @throws CaptureError, MissingLibraryError, or the system's error; nothing is left running
   */
  static async start(
    args: Arguments,
    { config, warnings }: LoadedConfig,
    runsAs: RunsAs,
    warn: (text: string) => void,
  ): Promise<Daemon> {
    for (const warning of warnings) warn(warning)
    let running: Daemon | undefined
    const log = await openLog(logSettings(args, config.options), () => running?.happened())
    try {
      await prepareReload(runsAs)
      const observation = new Observation(log)
      for (const { level, text } of runsAs.notices) log.notice(level, text)
      const path = statePath(config.options.stateDir, args.config, args.interfaces, runsAs.account !== undefined)
      const { store, faults } = await openStore(path, { lock: tryLock, pid: process.pid })
      for (const fault of faults) log.notice('error', fault.message)
      const marks = await openHolderMarks(marksPath(path), ({ message }) => {
        log.notice('warning', `the holders of openings will be unknown after a restart: ${message}`)
      })
      observation.begin(countersPath(path), config, runsAs.commandsAs)
      const fleet = await joinFleet(config, {
        log,
        store,
        steady: steadyNow,
        hostsChanged: () => daemon.#parts.reconciler.soon(),
        doors: () => daemon.#config.doors,
        spaKeyFile: () => daemon.#config.options.spaKeyFile,
        refresh: (folder) => daemon.#parts.authenticators.refresh(folder),
      })
      const daemon = new Daemon(args, config, log, { path, store, marks, runsAs, observation, fleet })
      try {
        await daemon.#begin()
        running = daemon
      } catch (error) {
        daemon.#parts.faults.release()
        daemon.#parts.captures.close()
        daemon.#parts.guarding.stop()
        daemon.#parts.base.stop()
        daemon.#leaveFleet()
        await observation.close()
        await store.close()
        throw error
      }
      return daemon
    } catch (error) {
      await log.close()
      throw alreadyRunning(error, args)
    }
  }

  private constructor(args: Arguments, config: Config, log: Log, state: State) {
    this.#args = args
    this.#config = config
    this.#joined = config.options.fleet
    this.#log = log
    this.#state = state
    this.#parts = new Parts(args, () => this.#config, log, state)
    const { captures, commands, guarding } = this.#parts
    this.#supervision = new Supervision({
      state: () => ({
        doors: this.#config.doors.length,
        openings: guarding.ports.count + commands.count,
        interfaces: captures.interfaces.states,
        isGuardInForce: guarding.isInForce(),
        hasRefusedConfig: this.#hasRefusedConfig,
      }),
      isWatching: () => captures.interfaces.isWatched,
      log,
    })
  }

  async #begin(): Promise<void> {
    const config = this.#config
    const { store } = this.#state
    this.#parts.faults.catchAll()
    // Ports are hidden before anyone can knock.
    await this.#parts.guarding.guard(config)
    this.#parts.base.start(config)
    await this.#parts.authenticators.load(config)
    // The users of the fleet are in their files before these are read.
    memberOf(this.#state.fleet)?.start()
    this.#parts.authenticators.replace(config)
    this.#sayLosses()
    const waitMs = lossWaitMs(config.doors, store, Date.now())
    if (waitMs > 0) {
      // Revoked users lose access during the wait.
      this.#parts.reconciler.now()
      await sleep(waitMs)
    }
    this.#parts.captures.start()
    this.#parts.commands.restore()
    this.#parts.reconciler.now()
    this.#parts.fleet?.start()
    this.#parts.operators.listen(config.options.controlGroup)
    this.#supervision.start()
    void this.#parts.faults.attempt(async () => await this.#runHook('start'))
  }

  /** Reads the config again and applies all of it. If that fails, logs the error and keeps the previous config. */
  async reload(): Promise<void> {
    notifyReloading()
    this.#log.event({ kind: 're-reading', file: this.#args.config })
    try {
      const { config, warnings } = loadConfig(this.#args.config)
      await refuseReload(this.#config, config, this.#state.runsAs, this.#joined)
      await this.#log.reopen(logSettings(this.#args, config.options))
      for (const warning of warnings) this.#log.notice('warning', warning)
      // Steps that may fail come before any change.
      await this.#parts.authenticators.load(config)
      await this.#parts.guarding.guard(config)
      this.#replace(config)
      this.#hasRefusedConfig = false
    } catch (error) {
      this.#hasRefusedConfig = true
      this.#log.notice('error', `${reloadFailure(error as NodeJS.ErrnoException)}\nkeeping the previous config`)
      await this.#log.reopen(logSettings(this.#args, this.#config.options)).catch(() => undefined)
    }
    notify('READY=1')
    this.happened()
  }

  /** Has the service manager told of the present state, if that has changed. */
  happened(): void {
    this.#supervision.changed()
  }

  /** Opens the log file again, after another program has moved it away. If that fails, keeps the previous one. */
  async reopenLog(): Promise<void> {
    try {
      await this.#log.reopen(logSettings(this.#args, this.#config.options))
    } catch (error) {
      this.#log.notice('error', (error as Error).message)
    }
  }

  #replace(config: Config): void {
    if (this.#config.options.stateDir !== config.options.stateDir) {
      this.#log.notice('warning', 'a change of StateDir takes effect at the next start')
    }
    if (this.#config.options.fleet !== config.options.fleet) {
      this.#log.notice('warning', 'a change of Fleet takes effect at the next start')
    }
    this.#config = config
    this.#parts.knocks.tune(config)
    this.#parts.operators.replace(config.options.controlGroup)
    this.#state.observation.replace(config, this.#state.runsAs.commandsAs)
    this.#parts.authenticators.replace(config)
    memberOf(this.#state.fleet)?.reread()
    memberOf(this.#state.fleet)?.users.recheck()
    this.#parts.base.replace(config)
    this.#parts.reconciler.now()
    this.#sayLosses()
    this.#parts.captures.replace(config)
  }

  /** Closes all openings and ends the daemon. */
  async stop(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    notify('STOPPING=1')
    // Every step runs even if an earlier one failed, because openings must be closed.
    const steps: readonly (() => unknown)[] = [
      () => this.#supervision.stop(),
      () => this.#parts.knocks.stop(),
      () => this.#parts.reconciler.stop(),
      () => this.#parts.captures.close(),
      async () => await this.#parts.authenticators.close(),
      () => this.#parts.guarding.stop(),
      () => this.#parts.base.stop(),
      () => this.#parts.operators.close(),
      () => this.#leaveFleet(),
      async () => await this.#closeAll(),
      async () => await this.#runHook('stop'),
      () => this.#log.event({ kind: 'shutting-down' }),
      async () => await this.#state.observation.close(),
      async () => await this.#state.store.close(),
      async () => await this.#log.close(),
    ]
    for (const step of steps) await this.#parts.faults.attempt(step)
    this.#parts.faults.release()
  }

  #leaveFleet(): void {
    this.#parts.fleet?.stop()
    memberOf(this.#state.fleet)?.close()
  }

  async #closeAll(): Promise<void> {
    const left = await this.#parts.commands.closeAll()
    if (left > 0) this.#log.notice('error', `${left} doors could not be closed in time: the next start closes them`)
  }

  async #runHook(action: 'start' | 'stop'): Promise<void> {
    const { startHook, stopHook, hooksAsRoot } = this.#config.options
    const text = action === 'start' ? startHook : stopHook
    const as = hooksAsRoot ? undefined : this.#state.runsAs.commandsAs
    if (text !== undefined) await runHook(this.#parts.runner, { text, as }, action, this.#log)
  }

  #sayLosses(): void {
    sayLosses(this.#config.doors, this.#state.store, (text) => this.#log.notice('error', text))
  }
}

/** Returns why a reload failed. Another version's modules have other names, so those not loaded yet are gone. */
function reloadFailure({ code, message }: NodeJS.ErrnoException): string {
  return code === 'ERR_MODULE_NOT_FOUND' ? 'knockd was replaced since its start\nrestart knockd' : message
}
