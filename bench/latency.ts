import { Knocker } from './knocking.ts'
import { commandDoor, nativeDoor, startPeer } from './peers.ts'
import type { Side } from './peers.ts'
import { Figure, times } from './row.ts'
import type { Row, Terms } from './row.ts'
import { World } from './world.ts'

const KNOCKS = 20
const KNOCKS_QUICK = 8
/** Knocks ahead of those that count: the programs and the client have run once then. */
const WARM_UP = 2
/** Theirs over ours, at least, in command mode. */
const COMMAND_RATIO = 8
/** Milliseconds that a native door may take at the median. */
const NATIVE_MAX_MS = 1.2
/** Seconds that a door is open. */
const OPEN_S = 1

/** A daemon with its client, in a world of its own. */
async function start(side: Side, door: string, hide: boolean): Promise<{ world: World; knocker: Knocker }> {
  const world = await World.make()
  if (hide) await world.hide()
  await world.serve()
  await startPeer(world, side, door)
  return { world, knocker: await Knocker.start(world) }
}

/**
 * From the last SYN to a completed `connect()`: the same command run by both, and ports opened by the guard. All run at
 * the same time and are knocked at in turn, so that a busy moment of the machine meets each.
 */
export async function latency({ quick, say }: Terms): Promise<readonly Row[]> {
  const knocks = quick ? KNOCKS_QUICK : KNOCKS
  say(`${knocks} knocks each, in turn: by command, knockd by command, native door`)
  const parties = [
    { name: 'ours', ...(await start('ours', commandDoor(OPEN_S), true)), found: [] as number[] },
    { name: 'theirs', ...(await start('theirs', commandDoor(OPEN_S), true)), found: [] as number[] },
    { name: 'ours, native', ...(await start('ours', nativeDoor(OPEN_S), false)), found: [] as number[] },
  ] as const
  for (let round = -WARM_UP; round < knocks; round++) {
    for (const { name, knocker, found } of parties) {
      const ms = await knocker.knock()
      if (ms === undefined) throw new Error(`${name}: a knock did not open`)
      if (round >= 0) found.push(ms)
    }
  }
  for (const { world } of parties) await world.remove()
  const [ours, theirs, native] = parties.map(({ found }) => new Figure(found, 'ms')) as [Figure, Figure, Figure]
  return [
    {
      measure: `last SYN to connect(), command, ${knocks} knocks`,
      ours,
      theirs,
      ratio: times(theirs.median, ours.median),
      aim: `${COMMAND_RATIO} or more`,
      met: theirs.median / ours.median >= COMMAND_RATIO,
      brief: 'command',
    },
    {
      measure: `last SYN to connect(), native door, ${knocks} knocks`,
      ours: native,
      theirs,
      peer: 'knockd, by command,',
      ratio: times(theirs.median, native.median),
      aim: `${NATIVE_MAX_MS} ms or less`,
      met: native.median <= NATIVE_MAX_MS,
      brief: 'native',
    },
  ]
}
