import { Figure, times } from '../row.ts'
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

/** From the packet to a completed `connect()`. */
export async function packetLatency({ quick, say }: Terms): Promise<readonly Row[]> {
  const packets = quick ? PACKETS_QUICK : PACKETS
  say(`${packets} single packets each`)
  const own = new Figure(await measure(SETTINGS.own, packets), 'ms')
  const ours = new Figure(await measure(SETTINGS.ours, packets), 'ms')
  const theirs = new Figure(await measure(SETTINGS.theirs, packets), 'ms')
  const row = (name: string, mine: Figure): Row => ({
    measure: `single packet to connect(), ${name}, ${packets} packets`,
    ours: mine,
    theirs,
    ratio: times(theirs.median, mine.median),
    aim: `${OURS_MAX_MS} ms or less`,
    met: mine.median <= OURS_MAX_MS,
  })
  return [
    { ...row('our own packet', own), peer: "fwknopd, fwknop's packet," },
    { ...row("fwknop's packet", ours), brief: 'packet' },
  ]
}
