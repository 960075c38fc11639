import { setTimeout as sleep } from 'node:timers/promises'
import { knockAndConnect } from './knocking.ts'
import { nativeDoor, startPeer } from './peers.ts'
import { figure, spread } from './row.ts'
import type { Row } from './row.ts'
import { generate, writeFirstKnocks } from './traffic.ts'
import { memoryOf, privateOf, usageOf } from './usage.ts'
import { SERVICE_PORT, World } from './world.ts'

/** First knocks of strangers a second, on any day on the internet at most. */
const PPS = 300
const SOURCES = 100_000
/** Seconds until attempts begin to time out as well, and for which the daemon is watched then. */
const SETTLE_S = 12
const WATCH_S = 20
/** Share of a core, in percent: a third of what it was with a wake-up every five milliseconds. */
const CPU_MAX_PERCENT = 5.6 / 3
const HONEST_KNOCKS = 10
const HONEST_MAX_MS = 20
/**
 * The same flood for memory, ten times as fast, with a time limit of a tenth: as many attempts are live as in the slow
 * one, and after 22 seconds the table of sources is as full. So this is 20 minutes of it.
 */
const FASTER = 10
const LEVEL_LOOPS = 4
const LEVEL_LOOK_MS = 5_000
const LEVEL_MAX_MIB = 100

async function flooding<Found>(
  seqTimeoutS: number,
  pps: number,
  loops: number,
  look: (world: World, pid: number, sent: Promise<unknown>) => Promise<Found>,
): Promise<Found> {
  const world = await World.make()
  try {
    await world.hide()
    await world.onServer(`iptables -I INPUT -p tcp --dport ${SERVICE_PORT} -j ACCEPT`.split(' '))
    await world.serve()
    const path = await writeFirstKnocks(world, 'strangers.pcap', SOURCES)
    const doors = `Hide_With = reset\n${nativeDoor(1)}Seq_Timeout = ${seqTimeoutS}s\n`
    const { process: daemon } = await startPeer(world, 'ours', doors)
    const seconds = SETTLE_S + WATCH_S + HONEST_KNOCKS * 2
    const limit = loops === 1 ? { seconds } : {}
    return await look(world, daemon.pid, generate(world, path, { pps, loops, packets: SOURCES, ...limit }))
  } finally {
    await world.remove()
  }
}

/** The cost of strangers that knock steadily: CPU, and the memory at which the daemon levels. It is not measured for knockd. */
export async function strangers(say: (text: string) => void): Promise<readonly Row[]> {
  say(`${PPS} first knocks a second of strangers`)
  const steady = await flooding(10, PPS, 1, async (world, pid, sent) => {
    await sleep(SETTLE_S * 1000)
    const before = usageOf(pid)
    await sleep(WATCH_S * 1000)
    const after = usageOf(pid)
    const knocks = await knockAndConnect(world, HONEST_KNOCKS)
    await sent
    const seconds = (after.at - before.at) / 1000
    return {
      cpu: (after.cpuMs - before.cpuMs) / seconds / 10,
      wakes: (after.wakeUps - before.wakeUps) / seconds,
      knocks,
    }
  })
  say(`${PPS * FASTER} first knocks a second, until memory levels`)
  const sizes = await flooding(10 / FASTER, PPS * FASTER, LEVEL_LOOPS, async (_world, pid, sent) => {
    const found: { readonly rssMiB: number; readonly ownMiB: number }[] = []
    const state = { ended: false }
    void sent.finally(() => (state.ended = true)).catch(() => undefined)
    while (!state.ended) {
      await sleep(LEVEL_LOOK_MS)
      found.push({ rssMiB: memoryOf(pid, 'now'), ownMiB: privateOf(pid).ownMiB })
    }
    await sent
    return found
  })
  const half = sizes[Math.floor(sizes.length / 2)]!
  const last = sizes.at(-1)!
  const missed = steady.knocks.filter((ms) => ms === undefined).length
  const opened = steady.knocks.filter((ms) => ms !== undefined)
  const slowest = opened.length > 0 ? spread(opened) : undefined
  return [
    {
      measure: `strangers, ${PPS} first knocks a second: CPU`,
      ours: figure(steady.cpu, '% of a core'),
      theirs: undefined,
      aim: `under ${String(figure(CPU_MAX_PERCENT, '%'))}`,
      met: steady.cpu < CPU_MAX_PERCENT,
    },
    { measure: '  wake-ups of all its threads', ours: figure(steady.wakes, 'a second'), theirs: undefined },
    {
      measure: `  ${HONEST_KNOCKS} honest knocks meanwhile: median and slowest, native door`,
      ours:
        missed > 0 || slowest === undefined
          ? `${missed} missed`
          : `${String(figure(slowest.median, 'ms'))}, ${String(figure(slowest.max, 'ms'))}`,
      theirs: undefined,
      aim: `under ${HONEST_MAX_MS} ms`,
      met: missed === 0 && slowest !== undefined && slowest.max < HONEST_MAX_MS,
    },
    {
      measure: '  memory it levels at: resident',
      ours: figure(last.rssMiB, 'MiB'),
      theirs: undefined,
      aim: `${LEVEL_MAX_MIB} MiB`,
      met: last.rssMiB <= LEVEL_MAX_MIB,
      note: `${FASTER} times as fast with a tenth of the time limit: the same attempts and sources, in a tenth of the time`,
    },
    { measure: '  private', ours: figure(last.ownMiB, 'MiB'), theirs: undefined },
    { measure: '  more than at half time', ours: figure(last.rssMiB - half.rssMiB, 'MiB'), theirs: undefined },
  ]
}
