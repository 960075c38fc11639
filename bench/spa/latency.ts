import { figure, spread, times } from '../row.ts'
import type { Row, Terms } from '../row.ts'
import { World } from '../world.ts'
import { Knocking } from './knocking.ts'
import { SETTINGS, startSpaPeer } from './peers.ts'
import type { Setting } from './peers.ts'

const PACKETS = 30
const PACKETS_QUICK = 10
/** Milliseconds after which a packet is given up. */
const GIVE_UP_MS = 5_000
/** Seconds that the door is open: longer than all of it takes, and as long as fwknopd lets it. */
const OPEN_S = 300
/** Milliseconds that ours may take at the median. */
const OURS_MAX_MS = 2

async function measure(setting: Setting, packets: number): Promise<readonly number[]> {
  const world = await World.make()
  try {
    await world.serve()
    await startSpaPeer(world, setting, OPEN_S)
    const knocking = await Knocking.prepare(world, setting.format, packets)
    const found = await knocking.knock(GIVE_UP_MS)
    const opened = found.filter((ms) => ms !== undefined)
    if (opened.length < packets) throw new Error(`${setting.side}: ${packets - opened.length} packets did not open`)
    return opened
  } finally {
    await world.remove()
  }
}

function text(values: readonly number[]): string {
  const { median, min, max } = spread(values)
  return `${figure(median, 'ms')} (${min.toFixed(2)} to ${max.toFixed(2)})`
}

/** From the packet to a completed `connect()`. */
export async function packetLatency({ quick, say }: Terms): Promise<readonly Row[]> {
  const packets = quick ? PACKETS_QUICK : PACKETS
  say(`${packets} single packets each`)
  const own = await measure(SETTINGS.own, packets)
  const ours = await measure(SETTINGS.ours, packets)
  const theirs = await measure(SETTINGS.theirs, packets)
  const their = spread(theirs).median
  return [['our own packet', own] as const, ["fwknop's packet", ours] as const].map(([name, values]) => {
    const mine = spread(values).median
    return {
      measure: `single packet to connect(), ${name}, median of ${packets}`,
      ours: text(values),
      theirs: `${text(theirs)}${values === own ? ", fwknop's packet" : ''}`,
      ratio: times(their, mine),
      aim: `${OURS_MAX_MS} ms or less`,
      met: mine <= OURS_MAX_MS,
    }
  })
}
