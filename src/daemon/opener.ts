import type { Door } from '../config/config.ts'
import type { Openings } from '../door/openings.ts'
import type { Opened } from '../gate/effect.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { hasCommands } from './control.ts'
import type { Doors } from './doors.ts'
import type { Faults } from './faults.ts'
import type { Guarding } from './guarding.ts'
import type { Log } from '../log/log.ts'
import type { Reconciler } from './reconcile.ts'
import { once, report } from './report.ts'
import type { commandsFor } from './spa/commands.ts'
import type { CommandGranted } from './spa/fwknops.ts'
import { portsText } from './spa/granted.ts'
import type { Granted } from './spa/granted.ts'

/** The most openings that wait for their secret to be redeemed, or for the journal. */
const OPENING_MAX = 4_096

/** The dependencies of an opener. */
export interface OpenerDeps {
  readonly doors: Pick<Doors, 'redeem' | 'find'>
  readonly guarding: Pick<Guarding, 'open'>
  readonly openings: Pick<Openings, 'open'>
  readonly reconciler: Pick<Reconciler, 'isStillMay' | 'during'>
  readonly log: Log
  readonly faults: Pick<Faults, 'attempt'>
}

/**
 * Opens doors for knocks and for single packets, by the guard, by commands, or both. An opening is logged when the door
 * opens. A failure is recorded as a fault, and the daemon continues.
 */
export class Opener {
  readonly #deps: OpenerDeps
  #count = 0

  constructor(deps: OpenerDeps) {
    this.#deps = deps
  }

  /** Opens a door whose sequence was knocked, after redeeming its secret. */
  knocked(effect: Opened): void {
    const { secret, source } = effect
    this.#begin(secret.door, source, async () => {
      const { doors, guarding, openings, reconciler, log } = this.#deps
      const holder = await doors.redeem(secret)
      const door = doors.find(secret.door)
      if (holder === undefined || door === undefined) return
      const { user } = secret
      if (!reconciler.isStillMay(door, { source, user, holder })) return
      const opened = once(() => report(log, effect))
      if (door.opens.length > 0) guarding.open(door, source, { user, holder, opened })
      else if (!hasCommands(door)) opened()
      if (hasCommands(door)) await reconciler.during(openings.open(door, { ...effect, user, holder, opened }))
    })
  }

  /** Opens the services that a single packet was granted. */
  granted(granted: Granted): void {
    const { door, source, ms, services, forward, user, claimedUser, holder, protocol, port } = granted
    this.#begin(door.name, source, async () => {
      const { guarding, openings, reconciler, log } = this.#deps
      if (!reconciler.isStillMay(door, granted)) return
      const opened = once(() => log.event({ kind: 'open', source, door: door.name, user, claimedUser }))
      const whose = { user, claimedUser, holder, opened }
      if (door.opens.length > 0) guarding.open(door, source, { ms, services, forward, ...whose })
      else if (!hasCommands(door)) opened()
      if (!hasCommands(door)) return
      const knocked = { source, protocol, port, services: portsText(granted), ...whose }
      await reconciler.during(openings.open(timed(door, ms), knocked))
    })
  }

  /** Runs the command of a packet, or the command cycle of its stanza, as the commands of its door. */
  run(granted: CommandGranted, commands: ReturnType<typeof commandsFor>): void {
    const { door, grant, user, claimedUser, holder, arrival } = granted
    const { address: source } = grant
    this.#begin(door.name, source, async () => {
      const { openings, reconciler, log } = this.#deps
      if (!reconciler.isStillMay(door, { source, user, holder })) return
      const opened = once(() => log.event({ kind: 'open', source, door: door.name, user, claimedUser }))
      const { protocol, port } = arrival
      const services = portsText({ asked: grant.kind === 'command' ? undefined : grant.ports })
      const knocked = { source, protocol, port, user, claimedUser, holder, services, opened }
      const alone = { ...timed(door, commands.ms), commands4: commands, commands6: commands, cooldownMs: 0 }
      await reconciler.during(openings.open(alone, knocked))
    })
  }

  #begin(door: string, source: Address, work: () => Promise<void>): void {
    const { log, faults } = this.#deps
    if (this.#count >= OPENING_MAX) {
      const reason = 'too many doors open at once'
      log.event({ kind: 'refused', level: 'error', source: formatAddress(source), door, reason })
      return
    }
    this.#count++
    void faults.attempt(work).finally(() => this.#count--)
  }
}

function timed(door: Door, ms: number): Door {
  return { ...door, cmdTimeoutMs: ms }
}
