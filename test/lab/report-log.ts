// A log of a busy week for reports, made by the daemon's own formatter: 8 doors, 20 users, and as many scans as wanted.
import type { LogEvent } from '../../src/log/event.ts'
import { entryOf } from '../../src/log/format.ts'
import { jsonLine, knockdLine } from '../../src/log/line.ts'
import type { Address } from '../../src/packet/address.ts'
import { formatAddress } from '../../src/packet/address.ts'

export const DOORS = ['ssh', 'backup', 'git', 'wireguard', 'monitoring', 'database-replica', 'mail-admin', 'printer']
export const USERS = (
  'alice bob carol dave erin frank grace heidi ivan judy ' +
  'kim laura mallory niaj olivia peggy quentin rupert sybil trent'
).split(' ')
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** A generator of numbers from 0 to 1 that always gives the same ones (mulberry32). */
export function numbersFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function address(a: number, b: number, c: number, d: number): Address {
  return { family: 4, a: (a << 24) | (b << 16) | (c << 8) | d | 0, b: 0, c: 0, d: 0 }
}

interface At {
  readonly time: number
  readonly event: LogEvent
}

/**
 * Yields the lines of a week that ends at a time, in order.
 *
 * @param doors the doors that are used
 */
export function* weekOf(
  end: number,
  {
    scans,
    format,
    doors = DOORS.slice(0, 6),
    users = USERS.slice(0, 18),
  }: {
    readonly scans: number
    readonly format: 'json' | 'knockd'
    readonly doors?: readonly string[]
    readonly users?: readonly string[]
  },
): Generator<string> {
  const random = numbersFrom(7)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() ** 1.6 * from.length)]!
  const begin = end - 7 * DAY_MS
  const all: At[] = [{ time: begin + 1, event: { kind: 'starting', interfaces: ['eth0'] } }]
  const home = new Map(users.map((user, index) => [user, address(192, 0, 2, 10 + index)]))
  for (let count = 0; count < 260; count++) {
    // People come by day.
    const time =
      begin + Math.floor(random() * 7) * DAY_MS + (8 + (random() + random()) * 6) * HOUR_MS - (begin % DAY_MS)
    if (time >= end || time < begin) continue
    const user = pick(users)
    const door = pick(doors)
    const source = random() < 0.8 ? home.get(user)! : address(198, 51, 100, Math.floor(random() * 250))
    const seconds = door === 'backup' ? 7_200 : door === 'ssh' ? 30 : 600
    const about = { source: formatAddress(source), door, what: 'tcp/22' } as const
    all.push({ time, event: { kind: 'open', source, door, user } })
    all.push({ time: time + 1, event: { kind: 'opened', ...about, seconds, user } })
    all.push({ time: time + seconds * 1000, event: { kind: 'closed', ...about } })
  }
  for (let count = 0; count < 90; count++) {
    const time = begin + random() * 7 * DAY_MS
    const user = pick(users)
    const source = home.get(user)!
    const door = pick(doors)
    const which = random()
    const at = { source: formatAddress(source), door }
    const event: LogEvent =
      which < 0.4
        ? { kind: 'sequence-timeout', source, door, stage: 2 }
        : which < 0.6
          ? { kind: 'withheld', source, door, stage: 3, reason: 'strays', strays: 40 }
          : which < 0.75
            ? { kind: 'used-before', ...at, secret: 'code', user }
            : which < 0.9
              ? {
                  kind: 'rejected',
                  ...at,
                  packet: 'single packet',
                  to: 'udp/62201',
                  user,
                  reason: 'its time is too far from the clock',
                }
              : { kind: 'wrong-codes', source, ignoredSeconds: 60, behindSequence: false }
    all.push({ time, event })
  }
  const networks = Array.from(
    { length: 600 },
    () => [1 + Math.floor(random() * 222), Math.floor(random() * 256), Math.floor(random() * 256)] as const,
  )
  for (let count = 0; count < scans; count++) {
    const [a, b, c] = networks[Math.floor(random() ** 4 * networks.length)]!
    const wave = begin + (3 + random() * random()) * DAY_MS
    const time = random() < 0.3 ? wave : begin + random() * 7 * DAY_MS
    all.push({
      time,
      event: { kind: 'scan', source: address(a, b, c, Math.floor(random() * 256)), ignoredSeconds: 60 },
    })
  }
  all.sort((one, other) => one.time - other.time)
  for (const { time, event } of all) {
    if (time > end) continue
    const entry = entryOf(event, time)
    yield format === 'json' ? jsonLine(entry, undefined) : knockdLine(entry, undefined)
  }
}
