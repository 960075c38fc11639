import { randomInt } from 'node:crypto'
import { DECOY_CLASSES } from '../capture/filter.ts'
import { Interfaces } from '../capture/interfaces.ts'
import type { ListenDeps } from '../capture/interfaces.ts'
import type { PacketCounts } from '../capture/packet-counts.ts'
import type { CaptureInterest } from '../capture/interest.ts'
import type { Config } from '../config/config.ts'
import type { Arguments } from './arguments.ts'
import type { Faults } from './faults.ts'
import type { Log } from '../log/log.ts'

/** The dependencies of the captures. */
export interface CapturesDeps extends Pick<ListenDeps, 'packet' | 'taken' | 'local'> {
  readonly args: Pick<Arguments, 'interfaces' | 'onlyIp4'>
  readonly log: Pick<Log, 'event' | 'notice'>
  readonly faults: Pick<Faults, 'note'>
  /** The traffic that has to be captured now. */
  readonly interest: () => CaptureInterest
}

/** The captures on the interfaces of the present config. */
export class Captures {
  readonly #deps: CapturesDeps
  /** The names in the present config, or on the command line. */
  #names: readonly string[]
  #interfaces: Interfaces
  /** The counts of interfaces of earlier configs. */
  #before: PacketCounts = { seen: 0, taken: 0, lost: 0 }
  #refiltering = false
  #closed = false

  constructor(config: Config, deps: CapturesDeps) {
    this.#deps = deps
    this.#names = this.#namesIn(config)
    this.#interfaces = this.#on(this.#names)
  }

  /** The counts of packets, also on interfaces of earlier configs. */
  get counts(): PacketCounts {
    const { seen, taken, lost } = this.#interfaces.counts
    const { seen: seenBefore, taken: takenBefore, lost: lostBefore } = this.#before
    return { seen: seen + seenBefore, taken: taken + takenBefore, lost: lost + lostBefore }
  }

  get interfaces(): Interfaces {
    return this.#interfaces
  }

  /** Captures what is needed. @throws as {@link Interfaces.start} */
  start(): void {
    this.#interfaces.setInterest(this.#deps.interest())
    this.#interfaces.start()
  }

  /** Updates the capture filter soon, once for all sequences that the gate has gained or lost. */
  updateSoon(): void {
    if (this.#refiltering) return
    this.#refiltering = true
    setImmediate(() => {
      this.#refiltering = false
      if (!this.#closed) this.#interfaces.setInterest(this.#deps.interest())
    })
  }

  /** Captures on the interfaces of a config. If that fails, logs the error and keeps the previous interfaces. */
  replace(config: Config): void {
    const before = this.#names
    this.#names = this.#namesIn(config)
    if (before.join() === this.#names.join()) {
      this.#interfaces.setInterest(this.#deps.interest())
      return
    }
    const after = this.#on(this.#names)
    try {
      after.start()
    } catch (error) {
      after.close()
      this.#interfaces.setInterest(this.#deps.interest())
      this.#deps.log.notice('error', `keeping the previous interfaces: ${(error as Error).message}`)
      return
    }
    this.#interfaces.close()
    this.#before = this.counts
    this.#interfaces = after
  }

  close(): void {
    this.#closed = true
    this.#interfaces.close()
  }

  #namesIn({ options }: Config): readonly string[] {
    const { interfaces } = this.#deps.args
    return interfaces.length > 0 ? interfaces : options.interfaces
  }

  #on(names: readonly string[]): Interfaces {
    const { args, log, faults, packet, taken, local, interest } = this.#deps
    const deps = {
      names,
      onlyIp4: args.onlyIp4,
      decoy: randomInt(DECOY_CLASSES),
      packet,
      taken,
      local,
      listening: (name: string) => log.event({ kind: 'starting', interfaces: [name] }),
      waiting: (name: string, reason: string) => log.notice('warning', `${name}: ${reason}, waiting for it`),
      deaf: (name: string, reason: string) =>
        log.notice('warning', `${name}: ${reason}: knocks may have been missed; capturing again`),
      failed: (error: unknown) => faults.note(error),
    }
    return new Interfaces(deps, interest())
  }
}
