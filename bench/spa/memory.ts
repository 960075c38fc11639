import { setTimeout as sleep } from 'node:timers/promises'
import { figure } from '../row.ts'
import type { Row, Terms } from '../row.ts'
import { generate } from '../traffic.ts'
import { memoryOf } from '../usage.ts'
import { World } from '../world.ts'
import { forgedPackets } from './packets.ts'
import type { Forgery } from './packets.ts'
import { SETTINGS, startSpaPeer } from './peers.ts'
import type { Setting } from './peers.ts'
import { writePackets, writeValid } from './stream.ts'

/** Forged packets that are sent, a second, and how many of them differ. */
const FORGED = 200_000
const FORGED_QUICK = 100_000
const FORGED_PPS = 60_000
const DIFFERENT = 20_000
const DIFFERENT_SLOW = 2_000
/** Valid packets, and how many a second: what each daemon can take. */
const VALID = 6_000
const VALID_QUICK = 4_000
const VALID_PPS = 1_000
const THEIR_VALID = 200
const THEIR_VALID_QUICK = 100
const THEIR_VALID_PPS = 30
/** Milliseconds after the last packet at which memory is looked at. */
const SETTLE_MS = 500
const OPEN_S = 300
/** MiB that ours may have more behind forged packets than before. */
const GROWTH_MAX_MIB = 32

interface Found {
  readonly before: number
  readonly after: number
  /** The number that opened, and the share that was dropped without a look, in percent. */
  readonly opened: number
  readonly lost: number
}

type Send = (world: World) => Promise<{ readonly path: string; readonly pps: number; readonly loops: number }>

async function memory(setting: Setting, packets: number, send: Send): Promise<Found> {
  const world = await World.make()
  try {
    const { process: daemon, ...peer } = await startSpaPeer(world, setting, OPEN_S)
    const { path, pps, loops } = await send(world)
    const before = memoryOf(daemon.pid, 'now')
    await generate(world, path, { pps, loops, packets: packets / loops })
    await sleep(SETTLE_MS)
    const after = memoryOf(daemon.pid, 'now')
    return { before, after, opened: peer.opened(), lost: ((await peer.lost(packets)) / packets) * 100 }
  } finally {
    await world.remove()
  }
}

async function afterForged(setting: Setting, forgery: Forgery, packets: number): Promise<Found> {
  const different = forgery === 'by a stranger' ? DIFFERENT_SLOW : DIFFERENT
  return memory(setting, packets, async (world) => ({
    path: await writePackets(world, 'forged.pcap', forgedPackets(forgery, different)),
    pps: FORGED_PPS,
    loops: packets / different,
  }))
}

async function afterValid(setting: Setting, packets: number, pps: number): Promise<Found> {
  return memory(setting, packets, async (world) => ({
    path: await writeValid(world, setting.format, packets),
    pps,
    loops: 1,
  }))
}

function text({ before, after }: Found): string {
  return `${before.toFixed(0)} to ${String(figure(after, 'MiB'))}`
}

/** Resident memory before and after very many packets. */
export async function packetMemory({ quick, say }: Terms): Promise<readonly Row[]> {
  const forged = quick ? FORGED_QUICK : FORGED
  const rows: Row[] = []
  say(`memory after ${forged} forged packets`)
  const theirs = await afterForged(SETTINGS.theirs, 'fwknop', forged)
  for (const [setting, forgery, name] of [
    [SETTINGS.ours, 'fwknop', "fwknop's, wrong HMAC"],
    [SETTINGS.own, 'random', 'random bytes of our own length'],
    [SETTINGS.own, 'by a stranger', 'our own, public keys known'],
  ] as const) {
    const ours = await afterForged(setting, forgery, forged)
    rows.push({
      measure: `memory before and after ${forged} forged, ${name}`,
      ours: `${text(ours)}, ${ours.lost.toFixed(0)} % lost`,
      theirs: `${text(theirs)}, ${theirs.lost.toFixed(0)} % lost${forgery === 'fwknop' ? '' : ", fwknop's"}`,
      aim: `${GROWTH_MAX_MIB} MiB more`,
      met: ours.after - ours.before <= GROWTH_MAX_MIB,
    })
  }
  const valid = quick ? VALID_QUICK : VALID
  const theirValid = quick ? THEIR_VALID_QUICK : THEIR_VALID
  say(`memory after ${valid} valid packets`)
  const theirsValid = await afterValid(SETTINGS.theirs, theirValid, THEIR_VALID_PPS)
  for (const [setting, name] of [
    [SETTINGS.ours, "fwknop's"],
    [SETTINGS.own, 'our own'],
  ] as const) {
    const ours = await afterValid(setting, valid, VALID_PPS)
    rows.push({
      measure: `memory before and after valid, ${name}`,
      ours: `${text(ours)}, ${ours.opened} of ${valid} open`,
      theirs: `${text(theirsValid)}, ${theirsValid.opened} of ${theirValid} open`,
      note: `ours at ${VALID_PPS} a second; theirs at ${THEIR_VALID_PPS} and fewer: as many, let alone a million, would take it hours`,
    })
  }
  return rows
}
