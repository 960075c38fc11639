import { knockAndConnect } from './knocking.ts'
import { commandDoor, nativeDoor, startPeer } from './peers.ts'
import type { Side } from './peers.ts'
import { figure, spread, times } from './row.ts'
import type { Row, Terms } from './row.ts'
import { World } from './world.ts'

const KNOCKS = 30
const KNOCKS_QUICK = 8
/** Theirs over ours, at least, in command mode. */
const COMMAND_RATIO = 8
/** Milliseconds that a native door may take at the median. */
const NATIVE_MAX_MS = 1.2

async function measure(side: Side, door: string, knocks: number, hide: boolean): Promise<readonly number[]> {
  const world = await World.make()
  try {
    if (hide) await world.hide()
    await world.serve()
    await startPeer(world, side, door)
    const found = await knockAndConnect(world, knocks)
    const opened = found.filter((ms) => ms !== undefined)
    if (opened.length < found.length) throw new Error(`${side}: ${found.length - opened.length} knocks did not open`)
    return opened
  } finally {
    await world.remove()
  }
}

function text(values: readonly number[]): string {
  const { median, min, max } = spread(values)
  return `${figure(median, 'ms')} (${min.toFixed(2)} to ${max.toFixed(2)})`
}

/** From the last SYN to a completed `connect()`: the same command run by both; and ports opened by the guard. */
export async function latency({ quick, say }: Terms): Promise<readonly Row[]> {
  const knocks = quick ? KNOCKS_QUICK : KNOCKS
  say(`${knocks} knocks each, command mode`)
  const ours = await measure('ours', commandDoor(1), knocks, true)
  const theirs = await measure('theirs', commandDoor(1), knocks, true)
  say(`${knocks} knocks, native door`)
  const native = await measure('ours', nativeDoor(1), knocks, false)
  const [mine, their, own] = [ours, theirs, native].map((values) => spread(values).median) as [number, number, number]
  return [
    {
      measure: `last SYN to connect(), command, median of ${knocks}`,
      ours: text(ours),
      theirs: text(theirs),
      ratio: times(their, mine),
      aim: `${COMMAND_RATIO} or more`,
      met: their / mine >= COMMAND_RATIO,
    },
    {
      measure: `last SYN to connect(), native door, median of ${knocks}`,
      ours: text(native),
      theirs: `${text(theirs)}, by command`,
      ratio: times(their, own),
      aim: `${NATIVE_MAX_MS} ms or less`,
      met: own <= NATIVE_MAX_MS,
    },
  ]
}
