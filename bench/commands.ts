import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { knockAndConnect } from './knocking.ts'
import { commandDoor, logged, startPeer } from './peers.ts'
import type { Peer, Side } from './peers.ts'
import { Figure, Share, figure, times } from './row.ts'
import type { Row, Terms } from './row.ts'
import { generate, writeTraffic } from './traffic.ts'
import { World } from './world.ts'

/** Commands a second, and for how many seconds. */
const RATE = 200
const SECONDS = 6
const SECONDS_QUICK = 3
/** A sequence of one knock, each of which runs a command. */
const BUSY_PORT = 9_001
/** Milliseconds that the commands may hold a packet up. */
const HELD_MAX_MS = 5
/** Milliseconds without commands, for comparison. */
const QUIET_MS = 1_000
const SECOND_MS = 1_000

interface Found {
  /** Milliseconds in which honest knocks open by a command, one after the other. */
  readonly opened: readonly (number | undefined)[]
  /** Commands that were started of those that should. */
  readonly run: Share
  /** Longest time that the event loop was held, in milliseconds, and the 99th percentile; with and without commands. */
  readonly held: readonly [longest: number, most: number]
  readonly quiet: readonly [longest: number, most: number]
}

/** Tells our daemon to begin a new look at its event loop, and returns what the last one found. */
async function look({ process: daemon }: Peer): Promise<readonly [number, number]> {
  daemon.kill('SIGUSR2')
  const [longest, most] = (await daemon.line(/^held /)).split(' ').slice(1).map(Number) as [number, number]
  return [longest, most]
}

async function busy(side: Side, seconds: number): Promise<Found> {
  const world = await World.make()
  try {
    await world.hide()
    await world.serve()
    const packets = RATE * seconds
    const path = await writeTraffic(world, 'knocks.pcap', packets, (index) => ({
      source: 0x10_000 + index,
      sourcePort: 1_024 + index,
      port: BUSY_PORT,
      sequence: index * 7_919,
      kind: 'syn',
    }))
    const door = `[busy]\n\tsequence = ${BUSY_PORT}\n\ttcpflags = syn\n\tcommand = /bin/true %IP%\n`
    const ours = side === 'ours'
    const node = ours ? ['--import', fileURLToPath(new URL('held.js', import.meta.url))] : []
    const peer = await startPeer(world, side, `${commandDoor(1)}${door}`, { node })
    if (ours) peer.process.kill('SIGUSR2')
    await sleep(QUIET_MS)
    const quiet = ours ? await look(peer) : ([NaN, NaN] as const)
    const sending = generate(world, path, { pps: RATE, packets })
    // A door is open for a second, and shut again before the next knock.
    const opened = await knockAndConnect(world, Math.max(1, seconds - 2))
    await sending
    const held = ours ? await look(peer) : ([NaN, NaN] as const)
    await sleep(SECOND_MS / 4)
    return { opened, held, quiet, run: new Share(logged(peer, /busy: running command/), packets) }
  } finally {
    await world.remove()
  }
}

/** Very many commands: how long they hold packets up, and an honest knock amid them. */
export async function commands({ quick, say }: Terms): Promise<readonly Row[]> {
  const seconds = quick ? SECONDS_QUICK : SECONDS
  say(`${RATE} commands a second`)
  const ours = await busy('ours', seconds)
  const theirs = await busy('theirs', seconds)
  const [longest, most] = ours.held
  const [quietLongest, quietMost] = ours.quiet
  return [
    {
      measure: `${RATE} commands a second: packets held up for, at most`,
      ours: figure(longest, 'ms'),
      theirs: undefined,
      aim: `under ${HELD_MAX_MS} ms`,
      met: longest < HELD_MAX_MS,
      note: 'the longest turn of the event loop, which takes the packets; looked at each millisecond',
    },
    { measure: '  the same, 99 of 100 looks', ours: figure(most, 'ms'), theirs: undefined },
    {
      measure: '  the same without commands, at most',
      ours: `${quietLongest.toFixed(2)} ms, 99 of 100 ${quietMost.toFixed(2)} ms`,
      theirs: undefined,
    },
    {
      measure: '  an honest knock opens by command in',
      ours: openedCell(ours),
      theirs: openedCell(theirs),
      ...ratioOf(ours, theirs),
    },
    { measure: '  commands that were run', ours: ours.run, theirs: theirs.run },
  ]
}

function openedCell({ opened }: Found): Figure | string {
  const good = opened.filter((ms) => ms !== undefined)
  return good.length < opened.length ? `${good.length} of ${opened.length} opened` : new Figure(good, 'ms')
}

function ratioOf(ours: Found, theirs: Found): Pick<Row, 'ratio'> {
  const [mine, their] = [openedCell(ours), openedCell(theirs)]
  return mine instanceof Figure && their instanceof Figure ? { ratio: times(their.median, mine.median) } : {}
}
