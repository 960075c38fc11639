import { startPeer } from './peers.ts'
import type { Side } from './peers.ts'
import { Figure, figure, times } from './row.ts'
import type { Row, Terms } from './row.ts'
import { memoryOf } from './usage.ts'
import { World } from './world.ts'

const DOORS = [1, 100, 1_000, 10_000] as const
/** Times that ours is started; theirs once. */
const STARTS = 3
/** Milliseconds after which a start is given up. */
const GIVE_UP_MS = 10_000
const GIVE_UP_QUICK_MS = 5_000
const START_MAX_MS = 500
const MEMORY_MAX_MIB = 150
/** Lowest port that is knocked at, and how many there are. */
const PORTS_FROM = 1_024
const PORTS = 60_000

function port(index: number): number {
  return PORTS_FROM + (index % PORTS)
}

/** So many doors of four knocks, all different. */
function doors(count: number): string {
  return Array.from({ length: count }, (_, index) => {
    const knocks = [port(index * 7), port(index * 13 + 1), port(index * 17 + 2), port(index * 29 + 3)]
    return `[door${index}]\n\tsequence = ${knocks.join(',')}\n\ttcpflags = syn\n\tcommand = /bin/true %IP%\n`
  }).join('')
}

interface Started {
  readonly ms: number
  readonly peakMiB: number
}

async function start(side: Side, count: number, limitMs: number): Promise<Started | undefined> {
  const world = await World.make()
  try {
    const text = doors(count)
    const begun = performance.now()
    const peer = await startPeer(world, side, text, { limitMs }).catch(() => undefined)
    if (peer === undefined) return undefined
    return { ms: performance.now() - begun, peakMiB: memoryOf(peer.process.pid, 'peak') }
  } finally {
    await world.remove()
  }
}

/** From the start of the process to the line that it listens, with few and with very many doors. */
export async function starting({ quick, say }: Terms): Promise<readonly Row[]> {
  const rows: Row[] = []
  const limitMs = quick ? GIVE_UP_QUICK_MS : GIVE_UP_MS
  let tooMany = false
  for (const count of DOORS) {
    say(`start with ${count} doors`)
    const found: Started[] = []
    for (let round = 0; round < (quick ? 1 : STARTS); round++) {
      const started = await start('ours', count, limitMs)
      if (started === undefined) throw new Error(`ours did not start with ${count} doors`)
      found.push(started)
    }
    const took = new Figure(
      found.map(({ ms }) => ms),
      'ms',
    )
    const peak = new Figure(
      found.map(({ peakMiB }) => peakMiB),
      'MiB',
    )
    const [ms, peakMiB] = [took.median, peak.median]
    // More doors than were too many already are not tried.
    const theirs: Started | undefined = tooMany ? undefined : await start('theirs', count, limitMs)
    tooMany ||= theirs === undefined
    const gaveUp = `over ${limitMs / 1000} s`
    rows.push(
      {
        measure: `start with ${count} doors`,
        ours: took,
        theirs: theirs === undefined ? gaveUp : figure(theirs.ms, 'ms'),
        ...(theirs === undefined ? {} : { ratio: times(theirs.ms, ms) }),
        ...(count === DOORS.at(-1) ? { aim: `under ${START_MAX_MS} ms`, met: ms < START_MAX_MS } : {}),
      },
      {
        measure: '  peak memory',
        ours: peak,
        theirs: theirs === undefined ? undefined : figure(theirs.peakMiB, 'MiB'),
        ...(theirs === undefined ? {} : { ratio: times(theirs.peakMiB, peakMiB) }),
        ...(count === DOORS.at(-1) ? { aim: `${MEMORY_MAX_MIB} MiB`, met: peakMiB <= MEMORY_MAX_MIB } : {}),
      },
    )
  }
  return rows
}
