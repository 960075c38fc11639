import type { Interfaces } from '../capture/interfaces.ts'
import { steadyNow } from '../capture/steady-clock.ts'
import type { Config } from '../config/config.ts'
import { hasCommands } from '../config/door-commands.ts'
import { codeOf, needsClock, waitsFor, writtenKnocks } from '../config/secret.ts'
import { formatService } from '../config/service.ts'
import { healthOf } from '../control/health.ts'
import { ATTEMPTS_LISTED_MAX, IGNORED_LISTED_MAX } from '../control/message.ts'
import type { IgnoredStatus, OpeningStatus, Status } from '../control/message.ts'
import type { Opener } from '../door/opener.ts'
import type { Gate } from '../gate/gate.ts'
import type { Counters } from '../metrics/counters.ts'
import { readClockStatus } from '../native/clock.ts'
import { formatAddress } from '../packet/address.ts'
import type { Authenticators } from '../secret/authenticators.ts'
import type { Store } from '../state/store.ts'
import { VERSION } from '../version.ts'
import type { Faults } from './faults.ts'
import { fleetStatus } from './fleet.ts'
import type { Joined } from './fleet.ts'
import type { Guarding } from './guarding.ts'
import { lossText } from '../secret/since-loss.ts'

/** The parts of the daemon that its status shows. */
export interface Inspected {
  readonly config: Config
  readonly counters: Pick<Counters, 'status'>
  readonly gate: Gate
  readonly authenticators: Authenticators
  readonly interfaces: Interfaces
  readonly guarding: Guarding
  readonly opener: Pick<Opener, 'list' | 'count'>
  readonly faults: Faults
  readonly store: Store
  /** The path of the journal. */
  readonly state: string
  /** `undefined`: the config names no fleet. */
  readonly fleet: Joined | undefined
}

/**
 * Returns the status of the daemon.
 *
 * @param some the openings to list. Then the status has nothing that takes longer the more is open; default: all of it
 */
export function statusOf(of: Inspected, some?: readonly OpeningStatus[]): Status {
  const { config, gate, authenticators, interfaces, guarding, store, state } = of
  const now = steadyNow()
  interfaces.checkHearing()
  const status: Status = {
    version: VERSION,
    pid: process.pid,
    program: process.argv[1] ?? '',
    config: config.file,
    upMs: Math.round(performance.now()),
    interfaces: interfaces.states,
    guard: guarding.status(some === undefined),
    exposed: guarding.exposed,
    doors: config.doors.map((door) => ({
      name: door.name,
      secret: door.secret.kind,
      waits: waitsFor(door.secret),
      ...authenticators.status(door.name),
      lowWater: door.secret.kind === 'one-time' ? door.secret.lowWater : undefined,
      opens: door.opens.map(formatService),
      commands: hasCommands(door),
      openForMs: door.cmdTimeoutMs,
      shut: lossText(door, store),
    })),
    openings: some ?? of.opener.list(),
    attempts: {
      count: gate.attempts,
      sources: gate.sources,
      listed: [...gate.underWay(ATTEMPTS_LISTED_MAX)].map(({ source, doors: names, stage, until }) => ({
        source: formatAddress(source),
        doors: names,
        stage,
        leftMs: Math.max(0, Math.round(until - now)),
      })),
    },
    ignored: ignoredIn(config, gate, now),
    faults: of.faults.status,
    journal: store.failure?.message,
    state,
    totals: of.counters.status,
    clock: {
      synchronised: readClockStatus(),
      // Hosts of a fleet whose clocks differ by more than Clock_Skew open nothing of it.
      needed: config.doors.some(({ secret, scope }) => scope === 'fleet' || needsClock(secret)),
      now: Date.now(),
    },
    ...(of.fleet === undefined ? {} : { fleet: fleetStatus(of.fleet) }),
  }
  return { ...status, health: healthOf(status) }
}

function ignoredIn({ doors }: Config, gate: Gate, now: number): readonly IgnoredStatus[] {
  const { scannableDoors } = gate
  const coded = (behind: boolean): readonly string[] =>
    doors
      .filter(({ secret }) => codeOf(secret) !== undefined && writtenKnocks(secret).length > 0 === behind)
      .map(({ name }) => name)
  const by = { scan: scannableDoors, codes: coded(false), 'codes behind': coded(true) }
  return [...gate.ignored(now, IGNORED_LISTED_MAX)].map(({ source, why, until }) => ({
    source: formatAddress(source),
    why,
    doors: by[why],
    leftMs: Math.max(0, Math.round(until - now)),
  }))
}
