import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { DECOY_CLASSES } from '../capture/filter.ts'
import { Interfaces, steadyNow } from '../capture/interfaces.ts'
import { needsOf } from '../capture/needs.ts'
import type { Needs } from '../capture/needs.ts'
import type { Config } from '../config/config.ts'
import { ControlServer } from '../control/server.ts'
import { socketPath } from '../control/socket.ts'
import { CommandRunner } from '../door/command.ts'
import { Openings } from '../door/openings.ts'
import type { Effect, Opened } from '../gate/effect.ts'
import { Gate } from '../gate/gate.ts'
import { tryLock } from '../native/libc.ts'
import { listeningPorts } from '../host/listening.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { TCP, UDP } from '../packet/packet.ts'
import { Clocks } from '../state/boot-clock.ts'
import { openStore } from '../state/store.ts'
import type { Store } from '../state/store.ts'
import type { Arguments } from './arguments.ts'
import { loadConfig } from './config-file.ts'
import { answer, hasCommands } from './control.ts'
import type { Controlled } from './control.ts'
import { Doors } from './doors.ts'
import { Guarding } from './guarding.ts'
import { runHook } from './hook.ts'
import type { Log } from './log/log.ts'
import { logSettings, openLog } from './logging.ts'
import { notify } from './notify.ts'
import { once, report } from './report.ts'
import type { CommandGranted } from './spa/fwknops.ts'
import type { Granted } from './spa/granted.ts'
import { isShutByLoss, lossText, lossWaitMs } from './spa/since-loss.ts'
import type { SpaDoors } from './spa/spa-doors.ts'
import { listFolder, statePath } from './state-path.ts'

/** Longest that a timer is set for; Node's own limit is 2^31 ms. */
const TIMER_MAX_MS = 3_600_000
/** Openings that wait for their sequence to be struck out, or for the journal, at most. */
const OPENING_MAX = 4_096
const WORD = 2 ** 32

/** A running daemon: wires the rooms together. */
export class Daemon {
  readonly #args: Arguments
  #config: Config
  readonly #log: Log
  readonly #store: Store
  /** The journal's path. */
  readonly #state: string
  readonly #gate: Gate
  readonly #runner = new CommandRunner()
  readonly #openings: Openings
  readonly #doors: Doors
  #spa: SpaDoors | undefined
  readonly #guarding: Guarding
  readonly #control: ControlServer
  #interfaces: Interfaces
  /** This host's own addresses. */
  #own: readonly Address[] = []
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  #opening = 0
  #refiltering = false
  #ended = false

  /**
   * Reads the config, opens log and state, closes what is overdue, and listens.
   *
   * @throws ConfigError, LockedError, CaptureError, MissingLibraryError, or the system's error: nothing is left running
   */
  static async start(args: Arguments, warn: (text: string) => void): Promise<Daemon> {
    const { config, warnings } = loadConfig(args.config)
    for (const warning of warnings) warn(warning)
    const log = await openLog(logSettings(args, config.options))
    const path = statePath(config.options.stateDir, args.config, args.interfaces)
    try {
      const { store, faults } = await openStore(path, { lock: tryLock, pid: process.pid })
      for (const fault of faults) log.notice('error', fault.message)
      const daemon = new Daemon(args, config, log, store, path)
      try {
        await daemon.#begin()
      } catch (error) {
        daemon.#interfaces.close()
        daemon.#guarding.stop()
        await store.close()
        throw error
      }
      return daemon
    } catch (error) {
      await log.close()
      throw error
    }
  }

  private constructor(args: Arguments, config: Config, log: Log, store: Store, state: string) {
    this.#args = args
    this.#config = config
    this.#log = log
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
    this.#control = new ControlServer(
      socketPath(args.config, args.interfaces),
      async (request) => await answer(request, this.#controlled),
      (error) => log.notice('warning', `postern open, close and status do not work: ${error.message}`),
    )
    this.#doors = new Doors({
      gate: this.#gate,
      store,
      listFolder: listFolder(state),
      say: (level, text) => log.notice(level, text),
      changed: () => this.#needOthers(),
      revoked: (door, user) => this.#revoke(door, user),
      busy: () => {
        const listening = listeningPorts()
        return new Set([...listening[TCP], ...listening[UDP]])
      },
    })
    this.#interfaces = this.#listen(config)
  }

  /** The pid file that the config names. */
  get pidFile(): string | undefined {
    return this.#config.options.pidFile
  }

  /** Reads the config again, and puts it in force as a whole; or says why not, and goes on as before. */
  async reload(): Promise<void> {
    notify('RELOADING=1')
    this.#log.rereading(this.#args.config)
    try {
      const { config, warnings } = loadConfig(this.#args.config)
      await this.#log.reopen(logSettings(this.#args, config.options))
      for (const warning of warnings) this.#log.notice('warning', warning)
      await this.#guarding.guard(config)
      await this.#loadSpa(config)
      this.#replace(config)
    } catch (error) {
      this.#log.notice('error', `${(error as Error).message}\nthe config in force stays as it was`)
      await this.#log.reopen(logSettings(this.#args, this.#config.options)).catch(() => undefined)
    }
    notify('READY=1')
  }

  /** Closes what is open, and ends. */
  async stop(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    notify('STOPPING=1')
    clearTimeout(this.#timer)
    this.#interfaces.close()
    await this.#doors.close()
    this.#spa?.close()
    this.#guarding.stop()
    this.#control.close()
    const left = await this.#openings.closeAll()
    if (left > 0) this.#log.notice('error', `${left} doors could not be closed in time: the next start closes them`)
    await runHook(this.#runner, this.#config.options.stopHook, 'stop', this.#log)
    this.#log.shuttingDown()
    await this.#store.close()
    await this.#log.close()
  }

  async #begin(): Promise<void> {
    // Ports are hidden before anybody can knock.
    await this.#guarding.guard(this.#config)
    this.#doors.replace(this.#config.doors)
    await this.#loadSpa(this.#config)
    this.#spa?.replace(this.#config)
    this.#sayLoss()
    await sleep(lossWaitMs(this.#config.doors, this.#store, Date.now()))
    this.#interfaces.need(this.#needs)
    this.#interfaces.start()
    this.#openings.restore()
    this.#admitOperators(() => this.#control.listen(this.#config.options.controlGroup))
    void runHook(this.#runner, this.#config.options.startHook, 'start', this.#log)
  }

  /** What operators see and move, as it is at the moment. */
  get #controlled(): Controlled {
    return {
      config: this.#config,
      gate: this.#gate,
      doors: this.#doors,
      spa: this.#spa,
      interfaces: this.#interfaces,
      guarding: this.#guarding,
      openings: this.#openings,
      log: this.#log,
      store: this.#store,
      state: this.#state,
    }
  }

  /** The control socket is a convenience: a daemon that cannot have it opens and closes doors all the same. */
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
      this.#log.notice('warning', 'StateDir stays as it was until the next start')
    }
    this.#gate.tune(this.#strictness(config))
    if (before.options.controlGroup !== config.options.controlGroup) {
      this.#admitOperators(() => this.#control.admit(config.options.controlGroup))
    }
    this.#doors.replace(config.doors)
    this.#spa?.replace(config)
    this.#sayLoss()
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
      this.#log.notice('error', `the interfaces stay as they were: ${(error as Error).message}`)
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
          if (this.#spa?.take(packet, bytes) !== true && knock) this.#carryOut(this.#gate.knock(packet))
        },
        taken: () => this.#armTimer(),
        own: (addresses) => {
          this.#gate.setOwn(addresses)
          this.#own = addresses
          this.#spa?.setOwn(addresses)
        },
        listening: (name) => this.#log.starting([name]),
        waiting: (name, reason) => this.#log.notice('warning', `${name}: ${reason}, waiting for it`),
      },
      this.#needs,
    )
  }

  #strictness({ options }: Config): { scanPorts: number; scanIgnoreMs: number; explain: boolean } {
    const explain = this.#args.debug || options.logFormat === 'json'
    return { scanPorts: options.scanPorts, scanIgnoreMs: options.scanIgnoreMs, explain }
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      // Nothing is said of opening before the door does open: it may be used up, and the disk may be full.
      if (effect.kind === 'open') void this.#open(effect)
      else report(this.#log, effect)
    }
  }

  async #open(effect: Opened): Promise<void> {
    const { secret, source } = effect
    if (this.#opening >= OPENING_MAX) {
      this.#log.notice('error', `${formatAddress(source)}: ${secret.door}: stays shut, too many doors open at once`)
      return
    }
    this.#opening++
    try {
      if (secret.once && !(await this.#doors.mayOpen(secret))) return
      const door = this.#doors.find(secret.door)
      if (door === undefined) return
      const opened = once(() => report(this.#log, effect))
      if (door.opens.length > 0) this.#guarding.open(door, source, { user: secret.user, opened })
      else if (!hasCommands(door)) opened()
      if (hasCommands(door)) await this.#openings.open(door, { ...effect, user: secret.user, opened })
    } finally {
      this.#opening--
    }
  }

  /** What opens doors to single packets: loaded for the first config that has one. */
  async #loadSpa({ doors }: Config): Promise<void> {
    if (this.#spa !== undefined || !doors.some(({ secret }) => secret.kind === 'spa')) return
    const { SpaDoors: Loaded } = await import('./spa/spa-doors.ts')
    this.#spa = new Loaded({
      store: this.#store,
      say: (level, text) => this.#log.notice(level, text),
      explain: (source, door, reason) => this.#log.explain(source, door, reason, {}),
      open: (granted) => void this.#openGranted(granted),
      revoked: (door, user) => this.#revoke(door, user),
      run: (granted) => void this.#runGranted(granted),
    })
    this.#spa.setOwn(this.#own)
  }

  /** Says which doors a loss of state keeps shut. */
  #sayLoss(): void {
    for (const door of this.#config.doors) {
      if (isShutByLoss(door, this.#store)) this.#log.notice('error', lossText(door, this.#store))
    }
  }

  /** What has to be seen of the traffic. */
  get #needs(): Needs {
    return needsOf(this.#doors.secrets(), this.#spa?.needs)
  }

  /** Opens what a single packet was granted. */
  async #openGranted({ door, source, ms, services, forward, user, protocol, port }: Granted): Promise<void> {
    if (this.#opening >= OPENING_MAX) {
      this.#log.notice('error', `${formatAddress(source)}: ${door.name}: stays shut, too many doors open at once`)
      return
    }
    this.#opening++
    try {
      const opened = once(() => this.#log.open(source, door.name, user))
      if (door.opens.length > 0) this.#guarding.open(door, source, { ms, services, forward, user, opened })
      else if (!hasCommands(door)) opened()
      const knocked = { source, protocol, port, user, opened }
      if (hasCommands(door)) await this.#openings.open({ ...door, cmdTimeoutMs: ms }, knocked)
    } finally {
      this.#opening--
    }
  }

  /** Runs what a packet brought, or what its stanza has in place of an opening: as the commands of its door. */
  async #runGranted(granted: CommandGranted): Promise<void> {
    const { door, grant, user, arrival } = granted
    const { protocol, port } = arrival
    const opened = once(() => this.#log.open(grant.address, door.name, user))
    const { commandsFor } = await import('./spa/commands.ts')
    const commands = commandsFor(granted, Date.now())
    const alone = { ...door, commands4: commands, commands6: commands, cmdTimeoutMs: commands.ms, cooldownMs: 0 }
    await this.#openings.open(alone, { source: grant.address, protocol, port, user, opened })
  }

  /** What a user has opened does not outlast the right to open it. */
  #revoke(door: string, user: string): void {
    const open = [...this.#guarding.list, ...this.#openings.list()].filter(
      (one) => one.door === door && one.user === user,
    )
    for (const { source } of open) {
      this.#guarding.close(door, parseAddress(source))
      void this.#openings.close(door, source)
    }
  }

  /** The gate knows other sequences: the filter follows in a moment, once for all of them. */
  #needOthers(): void {
    if (this.#refiltering) return
    this.#refiltering = true
    setImmediate(() => {
      this.#refiltering = false
      if (!this.#ended) this.#interfaces.need(this.#needs)
    })
  }

  /** Has attempts end when their time is over, whether a packet comes or not. */
  #armTimer(): void {
    const { due } = this.#gate
    if (this.#ended || due >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = due
    const wait = Math.min(Math.max(0, Math.ceil(due - steadyNow())), TIMER_MAX_MS)
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity
      this.#carryOut(this.#gate.expire(steadyNow()))
      this.#armTimer()
    }, wait)
  }
}
