import { setTimeout as sleep } from 'node:timers/promises'
import { SIDES, commandDoor, startPeer } from './peers.ts'
import type { Side } from './peers.ts'
import { figure, times } from './row.ts'
import type { Row, Terms } from './row.ts'
import { memoryOf, privateOf, usageOf } from './usage.ts'
import type { Private } from './usage.ts'
import { World } from './world.ts'

/** Milliseconds before an idle daemon is looked at, and for how long it is. */
const SETTLE_MS = 10_000
const WATCH_MS = 10_000
/** Private memory of an idle daemon. */
const PRIVATE_MAX_MIB = 16

interface Idle extends Private {
  readonly memoryMiB: number
  readonly cpuMs: number
  readonly wakeUps: number
}

async function idling(side: Side): Promise<Idle> {
  const world = await World.make()
  try {
    const { process: daemon } = await startPeer(world, side, commandDoor(1))
    await sleep(SETTLE_MS)
    const before = usageOf(daemon.pid)
    await sleep(WATCH_MS)
    const after = usageOf(daemon.pid)
    return {
      ...privateOf(daemon.pid),
      memoryMiB: memoryOf(daemon.pid, 'now'),
      cpuMs: after.cpuMs - before.cpuMs,
      wakeUps: after.wakeUps - before.wakeUps,
    }
  } finally {
    await world.remove()
  }
}

/** A daemon that nobody knocks at. */
export async function idle({ say }: Terms): Promise<readonly Row[]> {
  say(`idle for ${WATCH_MS / 1000} s`)
  const [ours, theirs] = [await idling(SIDES[0]!), await idling(SIDES[1]!)]
  return [
    {
      measure: `idle: private memory (Node ${process.versions.node})`,
      ours: figure(ours.ownMiB, 'MiB'),
      theirs: figure(theirs.ownMiB, 'MiB'),
      ratio: times(theirs.ownMiB, ours.ownMiB),
      aim: `${PRIVATE_MAX_MIB} MiB`,
      met: ours.ownMiB <= PRIVATE_MAX_MIB,
    },
    {
      measure: '  packet buffer in the kernel',
      ours: figure(ours.ringMiB, 'MiB'),
      theirs: figure(theirs.ringMiB, 'MiB'),
    },
    {
      measure: '  resident memory, with the mapped programs and libraries',
      ours: figure(ours.memoryMiB, 'MiB'),
      theirs: figure(theirs.memoryMiB, 'MiB'),
    },
    {
      measure: `  wake-ups in ${WATCH_MS / 1000} s`,
      ours: String(ours.wakeUps),
      theirs: String(theirs.wakeUps),
      aim: '0',
      met: ours.wakeUps === 0,
    },
    {
      measure: `  CPU in ${WATCH_MS / 1000} s`,
      ours: figure(ours.cpuMs, 'ms'),
      theirs: figure(theirs.cpuMs, 'ms'),
    },
  ]
}
