import { setTimeout as sleep } from 'node:timers/promises'
import { figure, times } from '../row.ts'
import type { Row, Terms } from '../row.ts'
import { generate } from '../traffic.ts'
import { usageOf } from '../usage.ts'
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
/** Forged packets that differ; they are sent again and again, as nothing remembers them. */
const DIFFERENT = 20_000
/** Fewer, where making one is public-key work. */
const DIFFERENT_SLOW = 2_000
/** Seconds that a flood lasts; where it has no rate, packets that it has. */
const FLOOD_S = 4
const TOP_SPEED_PACKETS = 1_000_000
/** Milliseconds into the flood at which the honest packets begin. */
const HONEST_AFTER_MS = 500
const HONEST = 4
const HONEST_MAX_MS = 100
/** Milliseconds after which an honest packet is given up. */
const GIVE_UP_MS = 500
const OPEN_S = 300
const SECOND_MS = 1_000

const KINDS: readonly (readonly [setting: Setting, forgery: Forgery, name: string])[] = [
  [SETTINGS.ours, 'fwknop', "fwknop's, wrong HMAC"],
  [SETTINGS.own, 'own', 'random bytes of our own length'],
  [SETTINGS.own, 'own, mac1 right', 'our own, right mac1, unknown key'],
]

interface Found {
  readonly rate: number
  readonly cpuPercent: number
  readonly honest: readonly (number | undefined)[]
}

async function flooded(setting: Setting, forgery: Forgery, pps: number | undefined): Promise<Found> {
  const world = await World.make()
  try {
    await world.serve()
    const { process: daemon } = await startSpaPeer(world, setting, OPEN_S)
    const different = forgery === 'own, mac1 right' ? DIFFERENT_SLOW : DIFFERENT
    const path = await writePackets(world, 'forged.pcap', forgedPackets(forgery, different))
    const loops = Math.ceil((pps === undefined ? TOP_SPEED_PACKETS : pps * FLOOD_S) / different)
    const knocking = await Knocking.prepare(world, setting.format, HONEST)
    const before = usageOf(daemon.pid)
    const flooding = generate(world, path, { pps, loops, packets: different })
    await sleep(HONEST_AFTER_MS)
    const honest = await knocking.knock(GIVE_UP_MS)
    const { rate, packets } = await flooding
    const cpuMs = usageOf(daemon.pid).cpuMs - before.cpuMs
    return { rate, honest, cpuPercent: (cpuMs / ((packets / rate) * SECOND_MS)) * 100 }
  } finally {
    await world.remove()
  }
}

function inTime({ honest }: Found): number {
  return honest.filter((ms) => ms !== undefined && ms < HONEST_MAX_MS).length
}

function honestText(found: Found): string {
  const worst = Math.max(...found.honest.map((ms) => ms ?? Infinity))
  const text = worst === Infinity ? 'missed' : figure(worst, 'ms')
  return `${inTime(found)} of ${found.honest.length}, slowest ${text}`
}

/** Honest packets amid forged ones, at rising rates. */
export async function packetFlood({ quick, say }: Terms): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const pps of quick ? RATES_QUICK : RATES) {
    const speed = pps === undefined ? 'top speed' : `${pps} a second`
    say(`forged packets, ${speed}`)
    const theirs = await flooded(SETTINGS.theirs, 'fwknop', pps)
    for (const [setting, forgery, name] of KINDS) {
      const ours = await flooded(setting, forgery, pps)
      const reached = [ours, theirs].map(({ rate }) => Math.round(rate / 1_000)).join(' and ')
      const other = forgery === 'fwknop' ? '' : ", fwknop's"
      rows.push(
        {
          measure: `forged, ${name}, ${speed} (${reached} thousand reached): honest in ${HONEST_MAX_MS} ms`,
          ours: honestText(ours),
          theirs: `${honestText(theirs)}${other}`,
          aim: 'all',
          met: inTime(ours) === HONEST,
        },
        {
          measure: '  CPU',
          ours: figure(ours.cpuPercent, '% of a core'),
          theirs: `${figure(theirs.cpuPercent, '% of a core')}${other}`,
          ratio: times(theirs.cpuPercent, ours.cpuPercent),
        },
      )
    }
  }
  return rows
}
