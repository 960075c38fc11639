import { SIDES, commandDoor, startPeer } from './peers.ts'
import type { Side } from './peers.ts'
import { figure } from './row.ts'
import type { Row, Terms } from './row.ts'
import { generate, writeTraffic } from './traffic.ts'
import { usageOf } from './usage.ts'
import { World } from './world.ts'

const PPS = 500_000
const PACKETS = 100_000
const LOOPS = 25
const LOOPS_QUICK = 15
/** Share of a core, in percent. */
const CPU_MAX_PERCENT = 2

async function busy(side: Side, loops: number): Promise<{ readonly rate: number; readonly cpuPercent: number }> {
  const world = await World.make()
  try {
    await world.hide()
    // Segments of connections, as a web server gets them.
    const path = await writeTraffic(world, 'web.pcap', PACKETS, (index) => ({
      source: 0x10_000 + (index % 1_000),
      sourcePort: 1024 + (index % 50_000),
      port: 443,
      sequence: index,
      kind: 'ack',
    }))
    const peer = await startPeer(world, side, commandDoor(1))
    const before = usageOf(peer.process.pid)
    const { rate } = await generate(world, path, { pps: PPS, loops, packets: PACKETS })
    const after = usageOf(peer.process.pid)
    return { rate, cpuPercent: ((after.cpuMs - before.cpuMs) / (after.at - before.at)) * 100 }
  } finally {
    await world.remove()
  }
}

/** Traffic that is no knock at all. */
export async function ordinary({ quick, say }: Terms): Promise<readonly Row[]> {
  say(`ordinary traffic, ${PPS} packets a second`)
  const loops = quick ? LOOPS_QUICK : LOOPS
  const [ours, theirs] = [await busy(SIDES[0]!, loops), await busy(SIDES[1]!, loops)]
  const reached = `${Math.round(ours.rate / 1000)} and ${Math.round(theirs.rate / 1000)} thousand packets a second reached`
  return [
    {
      measure: `ordinary traffic (${reached}): CPU`,
      ours: figure(ours.cpuPercent, '% of a core'),
      theirs: figure(theirs.cpuPercent, '% of a core'),
      aim: `under ${CPU_MAX_PERCENT} %`,
      met: ours.cpuPercent < CPU_MAX_PERCENT,
    },
  ]
}
