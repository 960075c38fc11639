import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { DECOY_CLASSES } from '../capture/filter.ts'
import { Interfaces, steadyNow } from '../capture/interfaces.ts'
import { needsOf } from '../capture/needs.ts'
import type { Config } from '../config/config.ts'
import { ControlServer } from '../control/server.ts'
import { socketPath } from '../control/socket.ts'
import { CommandRunner } from '../door/command.ts'
import { Openings } from '../door/openings.ts'
import type { Effect } from '../gate/effect.ts'
import { Gate } from '../gate/gate.ts'
import { tryLock } from '../native/libc.ts'
import { listeningPorts } from '../host/listening.ts'
import { sameAddress } from '../packet/address.ts'
import { packetKinds } from '../peer/packet-kinds.ts'
import { Authenticators } from '../secret/authenticators.ts'
import { Clocks } from '../state/boot-clock.ts'
import { openHolderMarks } from '../state/holder-marks.ts'
import type { HolderMarks } from '../state/holder-marks.ts'
import { JournalLedger } from '../state/journal-ledger.ts'
import { openStore } from '../state/store.ts'
import type { Store } from '../state/store.ts'
import { alreadyRunning } from './already-running.ts'
import type { Arguments } from './arguments.ts'
import { BaseKeeping } from './base-keeping.ts'
import { loadConfig } from './config-file.ts'
import { answer } from './control.ts'
import type { Controlled } from './control.ts'
import { Faults } from './faults.ts'
import { Guarding } from './guarding.ts'
import { runHook } from './hook.ts'
import type { Log } from './log/log.ts'
import { logSettings, openLog } from './logging.ts'
import { MemberOpenings } from './member.ts'
import { notify } from './notify.ts'
import { Opener } from './opener.ts'
import { Reconciler } from './reconcile.ts'
import { report } from './report.ts'
import { lossWaitMs, sayLosses } from '../secret/since-loss.ts'
import { listFolder, marksPath, statePath } from './state-path.ts'

/** The longest timer in milliseconds. Node's own limit is 2^31 ms. */
const TIMER_MAX_MS = 3_600_000
const WORD = 2 ** 32

/** A running daemon. It connects the parts of the program. */
export class Daemon {
  readonly #args: Arguments
  #config: Config
  readonly #log: Log
  readonly #faults: Faults
  readonly #store: Store
  /** The path of the journal. */
  readonly #state: string
  readonly #gate: Gate
  readonly #runner = new CommandRunner()
  readonly #openings: Openings
  readonly #opener: Opener
  readonly #authenticators: Authenticators
  readonly #guarding: Guarding
  readonly #base: BaseKeeping
  readonly #reconciler: Reconciler
  readonly #control: ControlServer
  readonly #memberOpenings = new MemberOpenings()
  #interfaces: Interfaces
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  #refiltering = false
  #ended = false

  /**
   * Reads the config, opens the log and the state, closes expired openings, and listens.
   *
   * @throws ConfigError, CaptureError, MissingLibraryError, or the system's error; nothing is left running
   */
  static async start(args: Arguments, warn: (text: string) => void): Promise<Daemon> {
    const { config, warnings } = loadConfig(args.config)
    for (const warning of warnings) warn(warning)
    const log = await openLog(logSettings(args, config.options))
    const path = statePath(config.options.stateDir, args.config, args.interfaces)
    try {
      const { store, faults } = await openStore(path, { lock: tryLock, pid: process.pid })
      for (const fault of faults) log.notice('error', fault.message)
      const marks = await openHolderMarks(marksPath(path), ({ message }) => {
        log.notice('warning', `the holders of openings will be unknown after a restart: ${message}`)
      })
      const daemon = new Daemon(args, config, log, { store, marks, state: path })
      try {
        await daemon.#begin()
      } catch (error) {
        daemon.#faults.release()
        daemon.#interfaces.close()
        daemon.#guarding.stop()
        daemon.#base.stop()
        await store.close()
        throw error
      }
      return daemon
    } catch (error) {
      await log.close()
      throw alreadyRunning(error, args)
    }
  }

  private constructor(
    args: Arguments,
    config: Config,
    log: Log,
    { store, marks, state }: { readonly store: Store; readonly marks: HolderMarks; readonly state: string },
  ) {
    this.#args = args
    this.#config = config
    this.#log = log
    this.#faults = new Faults((text) => log.notice('error', text))
    this.#store = store
    this.#state = state
    this.#gate = new Gate({
      ...this.#strictness(config),
      seed: [randomInt(WORD), randomInt(WORD)],
      own: [],
    })
    const clocks = new Clocks()
    this.#openings = new Openings({ store, runner: this.#runner, clocks, log })
    this.#guarding = new Guarding({ store, clocks, log })
    this.#base = new BaseKeeping(log)
    this.#control = new ControlServer(
      socketPath(args.config, args.interfaces),
      async (request, asker) => await answer(request, asker, this.#controlled),
      (error) => log.notice('warning', `postern open, close and status do not work: ${error.message}`),
    )
    this.#authenticators = new Authenticators(
      {
        gate: this.#gate,
        ledger: new JournalLedger(store),
        store,
        listFolder: listFolder(state),
        say: (level, text) => log.notice(level, text),
        explain: (source, door, reason) => log.explain(source, door, reason, {}),
        needsChanged: () => this.#needOthers(),
        holdersChanged: () => this.#reconciler.soon(),
        marks,
        listening: listeningPorts,
      },
      { rows: packetKinds(), claimed: (claim) => this.#opener.claimed(claim) },
    )
    this.#reconciler = new Reconciler({
      marks,
      door: (name) => this.#authenticators.find(name),
      judge: () => this.#authenticators,
      openers: [this.#guarding, this.#openings],
      say: (level, text) => log.notice(level, text),
      nextExpiry: (now) => this.#authenticators.nextExpiry(now),
    })
    this.#opener = new Opener({
      authenticators: this.#authenticators,
      guarding: this.#guarding,
      openings: this.#openings,
      reconciler: this.#reconciler,
      log,
      faults: this.#faults,
    })
    this.#interfaces = this.#listen(config)
  }

  /** The pid file that the config names. */
  get pidFile(): string | undefined {
    return this.#config.options.pidFile
  }

  /** Reads the config again and applies all of it. If that fails, logs the error and keeps the previous config. */
  async reload(): Promise<void> {
    notify('RELOADING=1')
    this.#log.rereading(this.#args.config)
    try {
      const { config, warnings } = loadConfig(this.#args.config)
      await this.#log.reopen(logSettings(this.#args, config.options))
      for (const warning of warnings) this.#log.notice('warning', warning)
      // Steps that may fail come before any change.
      await this.#authenticators.load(config)
      await this.#guarding.guard(config)
      this.#replace(config)
    } catch (error) {
      this.#log.notice('error', `${(error as Error).message}\nkeeping the previous config`)
      await this.#log.reopen(logSettings(this.#args, this.#config.options)).catch(() => undefined)
    }
    notify('READY=1')
  }

  /** Closes all openings and ends the daemon. */
  async stop(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    notify('STOPPING=1')
    clearTimeout(this.#timer)
    // Every step runs even if an earlier one failed, because openings must be closed.
    const steps: readonly (() => unknown)[] = [
      () => this.#reconciler.stop(),
      () => this.#interfaces.close(),
      async () => await this.#authenticators.close(),
      () => this.#guarding.stop(),
      () => this.#base.stop(),
      () => this.#control.close(),
      async () => await this.#closeAll(),
      async () => await runHook(this.#runner, this.#config.options.stopHook, 'stop', this.#log),
      () => this.#log.shuttingDown(),
      async () => await this.#store.close(),
      async () => await this.#log.close(),
    ]
    for (const step of steps) await this.#faults.attempt(step)
    this.#faults.release()
  }

  async #closeAll(): Promise<void> {
    const left = await this.#openings.closeAll()
    if (left > 0) this.#log.notice('error', `${left} doors could not be closed in time: the next start closes them`)
  }

  async #begin(): Promise<void> {
    this.#faults.catchAll()
    // Ports are hidden before anyone can knock.
    await this.#guarding.guard(this.#config)
    this.#base.start(this.#config)
    await this.#authenticators.load(this.#config)
    this.#authenticators.replace(this.#config)
    sayLosses(this.#config.doors, this.#store, (text) => this.#log.notice('error', text))
    const waitMs = lossWaitMs(this.#config.doors, this.#store, Date.now())
    if (waitMs > 0) {
      // Revoked users lose access during the wait.
      this.#reconciler.now()
      await sleep(waitMs)
    }
    this.#interfaces.need(this.#needs)
    this.#interfaces.start()
    this.#openings.restore()
    this.#reconciler.now()
    this.#admitOperators(() => this.#control.listen(this.#config.options.controlGroup))
    void this.#faults.attempt(
      async () => await runHook(this.#runner, this.#config.options.startHook, 'start', this.#log),
    )
  }

  /** The current parts of the daemon that operators inspect and control. */
  get #controlled(): Controlled {
    return {
      config: this.#config,
      gate: this.#gate,
      authenticators: this.#authenticators,
      interfaces: this.#interfaces,
      guarding: this.#guarding,
      openings: this.#openings,
      log: this.#log,
      memberOpenings: this.#memberOpenings,
      faults: this.#faults,
      store: this.#store,
      state: this.#state,
    }
  }

  /** Sets up the control socket. Without the socket, the daemon still opens and closes doors. */
  #admitOperators(how: () => void): void {
    try {
      how()
    } catch (error) {
      this.#log.notice('warning', `postern open, close and status may not work: ${(error as Error).message}`)
    }
  }

  #replace(config: Config): void {
    const before = this.#config
    const moved =
      this.#args.interfaces.length === 0 && before.options.interfaces.join() !== config.options.interfaces.join()
    this.#config = config
    if (before.options.stateDir !== config.options.stateDir) {
      this.#log.notice('warning', 'a change of StateDir takes effect at the next start')
    }
    this.#gate.tune(this.#strictness(config))
    if (before.options.controlGroup !== config.options.controlGroup) {
      this.#admitOperators(() => this.#control.admit(config.options.controlGroup))
    }
    this.#authenticators.replace(config)
    this.#base.replace(config)
    this.#reconciler.now()
    sayLosses(this.#config.doors, this.#store, (text) => this.#log.notice('error', text))
    if (!moved) {
      this.#interfaces.need(this.#needs)
      return
    }
    const after = this.#listen(config)
    try {
      after.start()
    } catch (error) {
      after.close()
      this.#interfaces.need(this.#needs)
      this.#log.notice('error', `keeping the previous interfaces: ${(error as Error).message}`)
      return
    }
    this.#interfaces.close()
    this.#interfaces = after
  }

  #listen(config: Config): Interfaces {
    const names = this.#args.interfaces.length > 0 ? this.#args.interfaces : config.options.interfaces
    return new Interfaces(
      {
        names,
        onlyIp4: this.#args.onlyIp4,
        decoy: randomInt(DECOY_CLASSES),
        packet: (packet, bytes, knock) => {
          if (!this.#authenticators.offer(packet, bytes) && knock) this.#carryOut(this.#gate.knock(packet))
        },
        taken: () => this.#armTimer(),
        own: (addresses) => {
          this.#gate.setOwn(addresses)
          this.#authenticators.setOwn(addresses)
          this.#guarding.closeForwardsTo((address) => addresses.some((own) => sameAddress(own, address)))
        },
        listening: (name) => this.#log.starting([name]),
        waiting: (name, reason) => this.#log.notice('warning', `${name}: ${reason}, waiting for it`),
        deaf: (name, reason) =>
          this.#log.notice('warning', `${name}: ${reason}: knocks may have been missed; capturing again`),
        failed: (error) => this.#faults.note(error),
      },
      this.#needs,
    )
  }

  #strictness({ options }: Config): Parameters<Gate['tune']>[0] {
    const { scanPorts, scanIgnoreMs, alwaysAllow: allowed, logFormat } = options
    return { scanPorts, scanIgnoreMs, allowed, explain: this.#args.debug || logFormat === 'json' }
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      // An opening is logged when the door opens. The secret may be used already, or the disk full.
      if (effect.kind === 'open') this.#opener.claimed({ ...effect, door: effect.secret.door, proof: effect.secret })
      else report(this.#log, effect, (doors) => this.#authenticators.inOrder(doors))
    }
  }

  /** The traffic that has to be captured. */
  get #needs(): ReturnType<typeof needsOf> {
    return needsOf(this.#authenticators.sequences(), this.#authenticators.needs)
  }

  /** Updates the capture filter soon, once for all sequences that the gate has gained or lost. */
  #needOthers(): void {
    if (this.#refiltering) return
    this.#refiltering = true
    setImmediate(() => {
      this.#refiltering = false
      if (!this.#ended) this.#interfaces.need(this.#needs)
    })
  }

  /** Ends attempts when their time is over, even if no packet arrives. */
  #armTimer(): void {
    const { due } = this.#gate
    if (this.#ended || due >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = due
    const wait = Math.min(Math.max(0, Math.ceil(due - steadyNow())), TIMER_MAX_MS)
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity
      try {
        this.#carryOut(this.#gate.expire(steadyNow()))
      } finally {
        this.#armTimer()
      }
    }, wait)
  }
}
