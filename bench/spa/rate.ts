import { setTimeout as sleep } from 'node:timers/promises'
import { times } from '../row.ts'
import type { Row, Terms } from '../row.ts'
import { generate } from '../traffic.ts'
import { World } from '../world.ts'
import { SETTINGS, startSpaPeer } from './peers.ts'
import type { Setting } from './peers.ts'
import { writeValid } from './stream.ts'

/** Rates to begin with, packets a second, and the one that is as much as there can be. */
const FIRST_OURS = 800
const FIRST_THEIRS = 10
const RATE_MAX = 50_000
/** Seconds for which packets are sent at one rate. */
const SEND_S = 2
const SEND_QUICK_S = 2
/** The number of steps between a rate that holds and its double. */
const HALVINGS = 2
const HALVINGS_QUICK = 1
/** The number of trials before a rate counts as too high. The machine may be slow for a moment. */
const TRIES = 2
/** Milliseconds behind the last packet until all must have opened: beyond, a daemon is behind. */
const LATE_MAX_MS = 500
const LOOK_MS = 50
/** Seconds that doors are open: longer than all of it takes, and as long as fwknopd lets them. */
const OPEN_S = 300
/** Theirs to ours, at least. */
const RATIO = 10

/** Returns true if every packet opens its door at a rate. */
async function holds(setting: Setting, rate: number, seconds: number, say: Terms['say']): Promise<boolean> {
  for (let round = 0; round < TRIES; round++) if (await honoured(setting, rate, seconds, say)) return true
  return false
}

async function honoured(setting: Setting, rate: number, seconds: number, say: Terms['say']): Promise<boolean> {
  const world = await World.make()
  try {
    const peer = await startSpaPeer(world, setting, OPEN_S)
    const packets = Math.round(rate * seconds)
    const path = await writeValid(world, setting.format, packets)
    await generate(world, path, { pps: rate, packets })
    const end = performance.now() + LATE_MAX_MS
    while (peer.opened() < packets && performance.now() < end) await sleep(LOOK_MS)
    const opened = peer.opened()
    say(`${setting.side}, ${setting.format}: ${opened} of ${packets} at ${rate} a second`)
    return opened >= packets
  } finally {
    await world.remove()
  }
}

/** The highest rate that holds: doubled until one does not, then halved in between. 0: none does. */
async function highest(setting: Setting, first: number, { quick, say }: Terms): Promise<number> {
  const seconds = quick ? SEND_QUICK_S : SEND_S
  let good = 0
  let bad = first
  while (bad <= RATE_MAX && (await holds(setting, bad, seconds, say))) {
    good = bad
    bad *= 2
  }
  for (let round = 0; round < (quick ? HALVINGS_QUICK : HALVINGS); round++) {
    const between = Math.round((good + bad) / 2)
    if (await holds(setting, between, seconds, say)) good = between
    else bad = between
  }
  return good
}

/** Measures the packets a second that each side can take if all of them open, each for another address. */
export async function packetRate(terms: Terms): Promise<readonly Row[]> {
  const theirs = await highest(SETTINGS.theirs, FIRST_THEIRS, terms)
  const rows: Row[] = []
  for (const [setting, name] of [
    [SETTINGS.ours, "fwknop's"],
    [SETTINGS.own, 'our own, of 100 keys'],
  ] as const) {
    const ours = await highest(setting, FIRST_OURS, terms)
    rows.push({
      measure: `valid packets a second, none lost, ${name}`,
      ours: String(ours),
      theirs: setting === SETTINGS.own ? `${theirs}, fwknop's` : String(theirs),
      ratio: times(ours, theirs),
      aim: `${RATIO} or more`,
      met: ours >= RATIO * theirs,
    })
  }
  const how = `by what each daemon's log says is open ${LATE_MAX_MS} ms after the last packet, in one of ${TRIES} tries; ours opens 20 a second of a user by design, and 3,000 in all`
  rows.push({ measure: 'valid packets: how they are counted', ours: undefined, theirs: undefined, note: how })
  return rows
}
