import { SEQUENCE, commandDoor, startPeer } from './peers.ts'
import type { Side } from './peers.ts'
import { figure, times } from './row.ts'
import type { Row, Terms } from './row.ts'
import { generate, writeTraffic } from './traffic.ts'
import { usageOf } from './usage.ts'
import { World } from './world.ts'

const LIVE = [100, 10_000, 1_000_000] as const
/** Beyond so many, theirs would take hours to get there. */
const THEIR_LIVE_MAX = 10_000
/** Packets a second while attempts are made, and while packets are measured. */
const MAKE_PPS = 50_000
const THEIR_MAKE_PPS = 2_000
const MEASURE_PPS = 30_000
const THEIR_MEASURE_PPS = 500
const MEASURED = 120_000
const THEIR_MEASURED = 1_500
/** Seconds that attempts live: longer than all of it takes. */
const LIVE_S = 600
/** Largest to smallest cost that is as good as the same. */
const EVEN = 1.3
const US_PER_MS = 1_000

/** Microseconds of CPU that a packet costs while so many attempts are live; each packet begins one of them anew. */
async function cost(side: Side, live: number): Promise<number> {
  const world = await World.make()
  try {
    await world.hide()
    const packet = (round: number) => (index: number) => ({
      source: 0x10_000 + (index % live),
      sourcePort: 1024 + ((index + round) % 60_000),
      port: SEQUENCE[0],
      sequence: (index + round * live) * 7919,
      kind: 'syn' as const,
    })
    const ours = side === 'ours'
    const measured = ours ? MEASURED : THEIR_MEASURED
    const make = await writeTraffic(world, 'make.pcap', live, packet(0))
    const stream = await writeTraffic(world, 'stream.pcap', measured, packet(1))
    const peer = await startPeer(world, side, commandDoor(1, LIVE_S))
    await generate(world, make, { pps: ours ? MAKE_PPS : THEIR_MAKE_PPS, packets: live })
    // Once through, so that what is measured has run before.
    await generate(world, stream, { pps: ours ? MEASURE_PPS : THEIR_MEASURE_PPS, packets: measured })
    const again = await writeTraffic(world, 'again.pcap', measured, packet(2))
    const before = usageOf(peer.process.pid)
    const { packets } = await generate(world, again, { pps: ours ? MEASURE_PPS : THEIR_MEASURE_PPS, packets: measured })
    return ((usageOf(peer.process.pid).cpuMs - before.cpuMs) / packets) * US_PER_MS
  } finally {
    await world.remove()
  }
}

/** Measures the cost of a packet with few and with very many attempts under way. */
export async function attempts({ quick, say }: Terms): Promise<readonly Row[]> {
  const rows: Row[] = []
  const costs: number[] = []
  for (const live of quick ? LIVE.slice(0, 2) : LIVE) {
    say(`CPU a packet with ${live} attempts under way`)
    const ours = await cost('ours', live)
    costs.push(ours)
    const theirs = live <= THEIR_LIVE_MAX ? await cost('theirs', live) : undefined
    rows.push({
      measure: `CPU a packet, ${live} attempts under way`,
      ours: figure(ours, 'µs'),
      theirs: theirs === undefined ? undefined : figure(theirs, 'µs'),
      ...(theirs === undefined ? { note: 'theirs would take hours to get there' } : { ratio: times(theirs, ours) }),
    })
  }
  const even = Math.max(...costs) / Math.min(...costs)
  rows.push({
    measure: '  dearest to cheapest of ours',
    ours: even.toFixed(2),
    theirs: undefined,
    aim: `${EVEN} or less`,
    met: even <= EVEN,
  })
  return rows
}
