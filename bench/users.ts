import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { secretUri } from '../src/totp/secret-text.ts'
import { SEQUENCE, startPeer } from './peers.ts'
import { figure } from './row.ts'
import type { Row, Terms } from './row.ts'
import { generate, writeTraffic } from './traffic.ts'
import { memoryOf, usageOf } from './usage.ts'
import { World } from './world.ts'

const USERS = [1, 10_000] as const
/** Packets a second, ahead of what is measured, and measured. */
const PPS = 20_000
const WARM_UP = 60_000
/** Of codes: half a period, in which they are renewed once, so that what renewing costs can be taken off. */
const PACKETS: Readonly<Record<Kind, number>> = { sequences: 100_000, codes: 300_000 }
/** Addresses that knock. */
const SOURCES = 1_000
/** First ports of codes. */
const CODES_FROM = 20_000
const CODES = 10_000
/** Seconds that attempts live: longer than all of it takes. */
const LIVE_S = 600
const KEY_BYTES = 20
/** Half a period of the codes. */
const HALF_PERIOD_MS = 15_000
/** Most to least that is as good as the same. */
const EVEN = 1.3
const US_PER_MS = 1_000

/** The users' secrets: codes, or sequences that all begin alike, the hardest case for the tree of stages. */
type Kind = 'sequences' | 'codes'

interface Cost {
  readonly us: number
  /** Share of a core that goes into renewing codes. */
  readonly renewing: number
  readonly peakMiB: number
}

/** Returns a file of so many users. */
export function usersFile(kind: Kind, count: number): string {
  return Array.from({ length: count }, (_, index) => {
    if (kind === 'sequences') return `u${index} ${SEQUENCE[0]},${10_000 + index},${30_000 + index}\n`
    const key = createHash('sha1').update(String(index)).digest().subarray(0, KEY_BYTES)
    return `u${index} ${secretUri({ key, algorithm: 'SHA1', digits: 8, periodS: 30 }, 'bench', 'ssh')}\n`
  }).join('')
}

/**
 * Microseconds of CPU a packet with so many users: first knocks of all, or guesses at codes. What the daemon does by
 * itself, renewing codes twice a period, is measured without packets and taken off.
 */
async function cost(kind: Kind, count: number): Promise<Cost> {
  const packets = PACKETS[kind]
  const world = await World.make()
  try {
    await world.hide()
    const file = world.file('users', usersFile(kind, count))
    const before = kind === 'codes' ? `Sequence = ${SEQUENCE[0]}\n` : ''
    const door = `[ssh]\n${before}Users = ${file}\nSeq_Timeout = ${LIVE_S}\nStart_Command = true\n[options]\nScan_Ports = 0\n`
    const packet = (round: number) => (index: number) => ({
      source: 0x10_000 + (index % SOURCES),
      sourcePort: 1024 + ((index + round) % 60_000),
      // With codes: from the second on, each source guesses at the code's first port.
      port: kind === 'sequences' || index < SOURCES ? SEQUENCE[0] : CODES_FROM + ((index * 7919) % CODES),
      sequence: (index + round * packets) * 7919,
      kind: 'syn' as const,
    })
    const warm = await writeTraffic(world, 'warm.pcap', WARM_UP, packet(0))
    const stream = await writeTraffic(world, 'stream.pcap', packets, packet(1))
    const { process } = await startPeer(world, 'ours', door)
    await generate(world, warm, { pps: PPS, packets: WARM_UP })
    const start = usageOf(process.pid)
    const sent = await generate(world, stream, { pps: PPS, packets })
    const spent = usageOf(process.pid).cpuMs - start.cpuMs
    const renewing = kind === 'codes' && count > 1 ? await idleShare(process.pid) : 0
    const us = ((spent - (renewing * sent.packets * 1000) / PPS) / sent.packets) * US_PER_MS
    return { us, renewing, peakMiB: memoryOf(process.pid, 'peak') }
  } finally {
    await world.remove()
  }
}

/** Share of a core that is used when no packet comes, over half a period. */
async function idleShare(pid: number): Promise<number> {
  const before = usageOf(pid).cpuMs
  await sleep(HALF_PERIOD_MS)
  return (usageOf(pid).cpuMs - before) / HALF_PERIOD_MS
}

/** Measures the cost of a packet with one user and with very many. knockd has no users. */
export async function users({ say }: Terms): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const kind of ['sequences', 'codes'] as const) {
    const costs: number[] = []
    for (const count of USERS) {
      say(`CPU a packet with ${count} users who have ${kind}`)
      const { us, renewing, peakMiB } = await cost(kind, count)
      costs.push(us)
      rows.push(
        { measure: `CPU a packet, ${count} users who have ${kind}`, ours: figure(us, 'µs'), theirs: undefined },
        ...(kind === 'codes'
          ? [{ measure: '  renewing codes', ours: figure(renewing * 100, '% of a core'), theirs: undefined }]
          : []),
        { measure: '  peak memory', ours: figure(peakMiB, 'MiB'), theirs: undefined },
      )
    }
    const even = costs[1]! / costs[0]!
    rows.push({
      measure: '  many to one',
      ours: even.toFixed(2),
      theirs: undefined,
      aim: `${EVEN} or less`,
      met: even <= EVEN,
    })
  }
  return rows
}
