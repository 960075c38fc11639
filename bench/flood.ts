import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { knockAndConnect } from './knocking.ts'
import { SIDES, commandDoor, logged, lostByOurs, nativeDoor, startPeer } from './peers.ts'
import type { Side } from './peers.ts'
import { figure, times } from './row.ts'
import type { Cell, Row, Terms } from './row.ts'
import { strangers } from './strangers.ts'
import { generate, writeFirstKnocks } from './traffic.ts'
import { memoryOf, usageOf } from './usage.ts'
import { SERVICE_PORT, World } from './world.ts'

const SOURCES = 100_000
/** Packets a second; `undefined`: as fast as the generator goes. Each with how often the sources are gone through. */
const RATES: readonly (readonly [pps: number | undefined, loops: number])[] = [
  [5_000, 1],
  [30_000, 1],
  [200_000, 5],
  [undefined, 10],
]
/** The rate that the README's table tells of, packets a second. */
const BRIEF_PPS = 30_000
/** Seconds that a flood lasts at most. */
const FLOOD_MAX_S = 4
/** Milliseconds into a flood at which the honest knock is made. */
const HONEST_AFTER_MS = 300
/** Milliseconds in which the honest knock is to open. */
const HONEST_MAX_MS = 20
/** Milliseconds after which a daemon that is behind is not waited for any more. */
const SETTLE_MAX_MS = 20_000
const SETTLE_LOOK_MS = 250
/** The cores of the daemon and of the generator, so that neither takes time from the other. */
const [DAEMON_CORE, GENERATOR_CORE] = cpus().length > 1 ? [0, 1] : []
/** Share of a core, in percent, that the slowest flood may take. */
const CPU_MAX_PERCENT = 3

interface Found {
  readonly rate: number
  /** Share of packets lost, in percent; `undefined` where this peer does not tell. */
  readonly lost: number
  readonly cpuPercent: number
  readonly peakMiB: number
  readonly honestMs: number | undefined
}

async function flooded(side: Side, pps: number | undefined, loops: number, native = false): Promise<Found> {
  const world = await World.make()
  try {
    await world.hide()
    // What the guard lets through has to be allowed by the host's own rules as well.
    if (native) await world.onServer(`iptables -I INPUT -p tcp --dport ${SERVICE_PORT} -j ACCEPT`.split(' '))
    await world.serve()
    const path = await writeFirstKnocks(world, 'flood.pcap', SOURCES)
    // Longer than the flood, so that its attempts are all live together.
    const doors = native ? `Hide_With = reset\n${nativeDoor(1)}Seq_Timeout = 60s\n` : commandDoor(1, 60)
    const peer = await startPeer(world, side, doors, { core: DAEMON_CORE })
    const before = usageOf(peer.process.pid)
    const flooding = generate(world, path, { pps, loops, packets: SOURCES, seconds: FLOOD_MAX_S, core: GENERATOR_CORE })
    await sleep(HONEST_AFTER_MS)
    const [honest] = await knockAndConnect(world, 1)
    const { packets, rate } = await flooding
    const endedMs = performance.now()
    await settled(peer.process.pid)
    const after = usageOf(peer.process.pid)
    // The share of a core while the flood went on; what a daemon did afterwards to catch up counts as well.
    const cpuPercent = ((after.cpuMs - before.cpuMs) / Math.max(endedMs - before.at, 1)) * 100
    const lost =
      side === 'ours'
        ? ((await lostByOurs(world, peer)) / packets) * 100
        : (1 - Math.min(1, logged(peer, /Stage 1/) / Math.min(packets, SOURCES))) * 100
    return { rate, lost, cpuPercent, peakMiB: memoryOf(peer.process.pid, 'peak'), honestMs: honest }
  } finally {
    await world.remove()
  }
}

/** Waits until a daemon has nothing to do any more. */
async function settled(pid: number): Promise<void> {
  const end = performance.now() + SETTLE_MAX_MS
  let before = usageOf(pid).cpuMs
  while (performance.now() < end) {
    await sleep(SETTLE_LOOK_MS)
    const { cpuMs } = usageOf(pid)
    if (cpuMs - before < SETTLE_LOOK_MS / 50) return
    before = cpuMs
  }
}

function honestText({ honestMs }: Found): Cell {
  return honestMs === undefined ? 'missed' : figure(honestMs, 'ms')
}

/** A flood of first knocks from very many sources, and an honest knock amid it. */
export async function flood({ quick, say }: Terms): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const [pps, loops] of quick ? RATES.slice(1, 3) : RATES) {
    const name = pps === undefined ? 'top speed' : `${pps} a second`
    say(`flood of first knocks from ${SOURCES} sources, ${name}`)
    const [ours, theirs] = [await flooded(SIDES[0]!, pps, loops), await flooded(SIDES[1]!, pps, loops)]
    const native = await flooded('ours', pps, loops, true)
    const both = (text: (found: Found) => Cell): Pick<Row, 'ours' | 'theirs'> => ({
      ours: text(ours),
      theirs: text(theirs),
    })
    const flooding = `flood, ${name} (${Math.round(ours.rate / 1000)} and ${Math.round(theirs.rate / 1000)} thousand reached)`
    rows.push(
      { measure: `${flooding}: lost`, ...both(({ lost }) => figure(lost, '%')), aim: 'none', met: ours.lost === 0 },
      {
        measure: '  lost, native door',
        ours: figure(native.lost, '%'),
        theirs: undefined,
        aim: 'none',
        met: native.lost === 0,
      },
      {
        measure: '  honest knock opens in, by command',
        ...both(honestText),
        aim: `under ${HONEST_MAX_MS} ms`,
        met: ours.honestMs !== undefined && ours.honestMs < HONEST_MAX_MS,
      },
      {
        measure: '  honest knock opens in, native door',
        ours: honestText(native),
        theirs: honestText(theirs),
        peer: 'knockd, by command,',
        ratio: times(theirs.honestMs ?? 0, native.honestMs ?? 0),
        ...(pps === BRIEF_PPS ? { brief: 'flood' } : {}),
        aim: `under ${HONEST_MAX_MS} ms`,
        met: native.honestMs !== undefined && native.honestMs < HONEST_MAX_MS,
      },
      {
        measure: '  CPU',
        ...both(({ cpuPercent }) => figure(cpuPercent, '% of a core')),
        ratio: times(theirs.cpuPercent, ours.cpuPercent),
        ...(pps === RATES[0]![0] ? { aim: `${CPU_MAX_PERCENT} %`, met: ours.cpuPercent <= CPU_MAX_PERCENT } : {}),
      },
      {
        measure: '  peak memory',
        ...both(({ peakMiB }) => figure(peakMiB, 'MiB')),
        ratio: times(theirs.peakMiB, ours.peakMiB),
      },
    )
  }
  const how = 'ours by its capture counters, theirs by the sources whose first knock is in its log'
  const cores =
    DAEMON_CORE === undefined
      ? 'one core for all'
      : `daemons are kept to core ${DAEMON_CORE}, the generator to core ${GENERATOR_CORE}`
  rows.push({ measure: 'flood: how it was measured', ours: undefined, theirs: undefined, note: `${how}; ${cores}` })
  rows.push(...(await strangers(say)))
  return rows
}
