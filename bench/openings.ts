import { setTimeout as sleep } from 'node:timers/promises'
import { SEQUENCE, logged, nativeDoor, startPeer } from './peers.ts'
import { figure } from './row.ts'
import type { Row, Terms } from './row.ts'
import { generate, writeTraffic } from './traffic.ts'
import { memoryOf, privateOf } from './usage.ts'
import { World } from './world.ts'

/** Openings that are made before the first look, so that the program's own growth is not counted, and until the last. */
const FIRST = 2_000
const ALL = 22_000
/** Knocks a second. */
const PPS = 1_500
const OPEN_FOR_S = 3_600
/** Milliseconds until the journal and the heap have settled. */
const SETTLE_MS = 15_000
const MAX_KIB = 2
/** Share of the openings without which the figure says nothing. */
const MADE_MIN = 0.99
const KIB_PER_MIB = 1_024

/** The memory of each live opening of ports. knockd keeps a process for each. */
export async function openings({ say }: Terms): Promise<readonly Row[]> {
  say(`${ALL - FIRST} openings`)
  const world = await World.make()
  try {
    const peer = await startPeer(world, 'ours', nativeDoor(OPEN_FOR_S))
    const daemon = peer.process
    const knock = async (name: string, from: number, to: number): Promise<void> => {
      const packets = (to - from) * SEQUENCE.length
      const path = await writeTraffic(world, name, packets, (index) => ({
        source: 0x10_000 + from + Math.floor(index / SEQUENCE.length),
        sourcePort: 1024 + (index % 60_000),
        port: SEQUENCE[index % SEQUENCE.length]!,
        sequence: index * 7919,
        kind: 'syn',
      }))
      await generate(world, path, { pps: PPS, packets })
      await sleep(SETTLE_MS)
    }
    const look = () => ({ own: privateOf(daemon.pid).ownMiB, resident: memoryOf(daemon.pid, 'now') })
    await knock('first.pcap', 0, FIRST)
    const before = look()
    await knock('all.pcap', FIRST, ALL)
    const after = look()
    const open = logged(peer, /OPEN SESAME/)
    if (open < ALL * MADE_MIN) throw new Error(`${open} openings in place of ${ALL}`)
    const each = ((after.own - before.own) * KIB_PER_MIB) / (ALL - FIRST)
    return [
      {
        measure: `memory of ${ALL - FIRST} openings, each: private`,
        ours: figure(each, 'KiB'),
        theirs: undefined,
        aim: `${MAX_KIB} KiB`,
        met: each <= MAX_KIB,
        note: `beyond the first ${FIRST} openings; ${open} of ${ALL} were made`,
      },
      { measure: '  resident, all of them', ours: figure(after.resident - before.resident, 'MiB'), theirs: undefined },
    ]
  } finally {
    await world.remove()
  }
}
