import { setTimeout as sleep } from 'node:timers/promises'
import { SIDES, commandDoor, startPeer } from './peers.ts'
import type { Side } from './peers.ts'
import { figure, times } from './row.ts'
import type { Row, Terms } from './row.ts'
import { memoryOf, usageOf } from './usage.ts'
import { World } from './world.ts'

/** Milliseconds before an idle daemon is looked at, and for how long it is. */
const SETTLE_MS = 10_000
const WATCH_MS = 10_000
const MEMORY_MAX_MIB = 60

interface Idle {
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
      measure: 'idle: memory',
      ours: figure(ours.memoryMiB, 'MiB'),
      theirs: figure(theirs.memoryMiB, 'MiB'),
      ratio: times(theirs.memoryMiB, ours.memoryMiB),
      aim: `${MEMORY_MAX_MIB} MiB`,
      met: ours.memoryMiB <= MEMORY_MAX_MIB,
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
