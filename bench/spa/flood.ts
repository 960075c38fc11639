import { setTimeout as sleep } from 'node:timers/promises'
import { figure, times } from '../row.ts'
import type { Row, Terms } from '../row.ts'
import { generate } from '../traffic.ts'
import { memoryOf, usageOf } from '../usage.ts'
import { World } from '../world.ts'
import { Knocking } from './knocking.ts'
import { forgedPackets } from './packets.ts'
import type { Forgery } from './packets.ts'
import { SETTINGS, startSpaPeer } from './peers.ts'
import type { Setting } from './peers.ts'
import { writePackets } from './stream.ts'

/** Packets a second; `undefined`: as fast as the generator goes. */
const RATES: readonly (number | undefined)[] = [1_000, 4_000, 20_000, 100_000, undefined]
const RATES_QUICK: readonly (number | undefined)[] = [4_000, undefined]
/** The rate of a resent tag. Only an attacker who sees users' packets can do it, so one rate is enough. */
const RESENT_PPS = 20_000
/** Forged packets that differ; they are sent again and again, as nothing remembers them. */
const DIFFERENT = 20_000
/** Fewer, where making one is public-key work. */
const DIFFERENT_SLOW = 2_000
/** Seconds that a flood lasts: longer than all honest packets take. */
const FLOOD_S = 4
/** More than any generator sends in that time, a second. */
const RATE_MAX = 2_000_000
/** Milliseconds into the flood at which the honest packets begin. */
const HONEST_AFTER_MS = 500
const HONEST = 4
const HONEST_MAX_MS = 100
/** Milliseconds after which an honest packet is given up. */
const GIVE_UP_MS = 400
const OPEN_S = 300
const MS_US = 1_000
/** Milliseconds for a log to be written. */
const SETTLE_MS = 300

type Kind = readonly [setting: Setting, forgery: Forgery, name: string]

const FWKNOPS: readonly Kind[] = [[SETTINGS.ours, 'fwknop', "fwknop's, wrong HMAC"]]
const OWN: readonly Kind[] = [
  [SETTINGS.own, 'random', 'random bytes of our own length'],
  [SETTINGS.own, 'by a stranger', 'our own, public keys known'],
  [SETTINGS.own, 'a tag sent again', "our own, a user's tag sent again"],
]
/** Microseconds of the daemon's time that a packet may take at this rate and above. */
const PACKET_MAX_US = 2
const COUNTED_FROM = 20_000

interface Found {
  readonly rate: number
  /** Share of packets that were not even looked at, in percent. */
  readonly lost: number
  readonly cpuPercent: number
  /** Microseconds of CPU for each packet that was looked at, with the kernel's and libpcap's part in the process. */
  readonly packetUs: number
  /** Resident MiB after the flood. */
  readonly memory: number
  readonly honest: readonly (number | undefined)[]
}

async function flooded(setting: Setting, forgery: Forgery, pps: number | undefined): Promise<Found> {
  const world = await World.make()
  try {
    await world.serve()
    const peer = await startSpaPeer(world, setting, OPEN_S)
    const { pid } = peer.process
    const different = forgery === 'by a stranger' ? DIFFERENT_SLOW : DIFFERENT
    const path = await writePackets(world, 'forged.pcap', forgedPackets(forgery, different))
    const loops = Math.ceil(((pps ?? RATE_MAX) * FLOOD_S) / different)
    const knocking = await Knocking.prepare(world, setting.format, HONEST)
    const before = usageOf(pid)
    const flooding = generate(world, path, { pps, loops, packets: different, seconds: FLOOD_S }).then((sent) => ({
      ...sent,
      after: usageOf(pid),
    }))
    await sleep(HONEST_AFTER_MS)
    const honest = await knocking.knock(GIVE_UP_MS)
    const knockedAt = performance.now()
    const { rate, packets, after } = await flooding
    if (knockedAt > after.at) throw new Error('the flood ended before the honest packets did')
    await sleep(SETTLE_MS)
    const lost = await peer.lost(packets)
    const cpuMs = after.cpuMs - before.cpuMs
    return {
      rate,
      honest,
      lost: (lost / packets) * 100,
      cpuPercent: (cpuMs / (after.at - before.at)) * 100,
      packetUs: (cpuMs * MS_US) / Math.max(1, packets - lost),
      memory: memoryOf(pid, 'now'),
    }
  } finally {
    await world.remove()
  }
}

function inTime({ honest }: Found): number {
  return honest.filter((ms) => ms !== undefined && ms < HONEST_MAX_MS).length
}

function honestText(found: Found): string {
  const worst = Math.max(...found.honest.map((ms) => ms ?? Infinity))
  const text = worst === Infinity ? 'missed' : String(figure(worst, 'ms'))
  return `${inTime(found)} of ${found.honest.length}, slowest ${text}`
}

/** Honest packets of fwknop's amid forged ones, at rising rates. */
export async function packetFlood(terms: Terms): Promise<readonly Row[]> {
  return [...(await floodRows(FWKNOPS, terms)), HOW_LOST]
}

/** Honest packets of our own amid those that strangers and observers can make, at rising rates. */
export async function forged(terms: Terms): Promise<readonly Row[]> {
  return [...(await floodRows(OWN, terms)), HOW_LOST]
}

const HOW_LOST: Row = {
  measure: 'forged: how losses are counted',
  ours: undefined,
  theirs: undefined,
  note: 'ours by its capture counters; theirs by the packets in its log. It takes what a small ring holds ten times a second, and never sees the others: they cost it nothing',
}

async function floodRows(kinds: readonly Kind[], { quick, say }: Terms): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const pps of quick ? RATES_QUICK : RATES) {
    const speed = pps === undefined ? 'top speed' : `${pps} a second`
    say(`forged packets, ${speed}`)
    const theirs = await flooded(SETTINGS.theirs, 'fwknop', pps)
    for (const [setting, forgery, name] of kinds) {
      if (forgery === 'a tag sent again' && pps !== RESENT_PPS) continue
      const ours = await flooded(setting, forgery, pps)
      const reached = [ours, theirs].map(({ rate }) => Math.round(rate / 1_000)).join(' and ')
      const other = forgery === 'fwknop' ? '' : ", fwknop's"
      // At low rates the cost of waking up is shared by few packets.
      const isCounted = setting === SETTINGS.own && (pps ?? Infinity) >= COUNTED_FROM
      rows.push(
        {
          measure: `forged, ${name}, ${speed} (${reached} thousand reached): honest in ${HONEST_MAX_MS} ms`,
          ours: honestText(ours),
          theirs: `${honestText(theirs)}${other}`,
          aim: 'all',
          met: inTime(ours) === HONEST,
        },
        { measure: '  lost', ours: figure(ours.lost, '%'), theirs: `${String(figure(theirs.lost, '%'))}${other}` },
        {
          measure: '  CPU, memory at the end',
          ours: costText(ours),
          theirs: `${costText(theirs)}${other}`,
          ratio: times(theirs.cpuPercent, ours.cpuPercent),
          ...(isCounted && { aim: `${PACKET_MAX_US} us a packet`, met: ours.packetUs <= PACKET_MAX_US }),
        },
      )
    }
  }
  return rows
}

function costText({ cpuPercent, packetUs, memory }: Found): string {
  return `${String(figure(cpuPercent, '% of a core'))}, ${String(figure(packetUs, 'us a packet'))}, ${memory.toFixed(0)} MiB`
}
