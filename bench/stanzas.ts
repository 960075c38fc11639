import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { logged } from './peers.ts'
import { Share, figure } from './row.ts'
import type { Row, Terms } from './row.ts'
import { forgedPackets, validPackets } from './spa/packets.ts'
import { SETTINGS, SPA_PORT, accessText, startSpaPeer } from './spa/peers.ts'
import type { Setting } from './spa/peers.ts'
import { generate, writeTraffic } from './traffic.ts'
import type { Datagram } from './traffic.ts'
import { usageOf } from './usage.ts'
import { World } from './world.ts'

/** Stanzas of the access.conf. The last one has the keys of the honest packets. */
const STANZAS = 200
/** Forged packets a second, how many differ, and seconds that they last at most. */
const RATE = 20_000
const DIFFERENT = 4_000
const FLOOD_S = 15
/** Honest packets, and how many a second. */
const HONEST = 14
const HONEST_PPS = 5
/** Milliseconds from the beginning of a flood to the first honest packet, and from the last one to the count. */
const SETTLE_MS = 500
const OPEN_S = 300
/** Sources, counted from 10.0.0.0: forged ones, the one that floods alone, and the honest ones. */
const FORGED_FROM = 0x10_000
const FLOODER = 0xe0_0001
const HONEST_FROM = 0xf0_0000
/** The same honest sources for SOURCE. */
const HONEST_SOURCES = '10.240.0.0/24'
const SOURCE_PORT = 40_000

/** The difference between an honest packet and the forged ones. */
type Apart = 'budget' | 'known' | 'SOURCE'

const APART: Readonly<Record<Apart, string>> = {
  budget: 'forged from one address',
  known: 'forged from any, owner opened before',
  SOURCE: 'forged from any, SOURCE names the owner',
}

interface Found {
  readonly opened: Share
  readonly cpuPercent: number
}

async function flooded(setting: Setting, pps: number, apart: Apart): Promise<Found> {
  const world = await World.make()
  try {
    const access = `${otherStanzas()}${accessText(OPEN_S, apart === 'SOURCE' ? HONEST_SOURCES : 'ANY')}`
    const peer = await startSpaPeer(world, setting, OPEN_S, access)
    const send = async (name: string, packets: readonly Uint8Array[], from: (index: number) => number) =>
      writeTraffic(world, name, packets.length, (index): Datagram => ({
        kind: 'udp',
        source: from(index),
        sourcePort: SOURCE_PORT,
        port: SPA_PORT,
        payload: packets[index]!,
      }))
    const honestFrom = (index: number): number => HONEST_FROM + (apart === 'known' ? 0 : index + 1)
    const addresses = Array.from({ length: HONEST + 1 }, (_, index) => `10.240.0.${apart === 'known' ? 0 : index}`)
    const [first, ...rest] = validPackets('fwknop', addresses)
    const isOurs = setting.side === 'ours'
    // A door that is open already is opened once more: fwknopd then adds no rule, and remembers nobody.
    const count = (): number => (isOurs ? logged({ log: world.file('ours.log') }, /OPEN SESAME/) : peer.opened())
    let before = 0
    if (apart === 'known' && isOurs) {
      await generate(world, await send('first.pcap', [first!], honestFrom), { pps: 100, packets: 1 })
      await sleep(SETTLE_MS)
      before = count()
      if (before === 0) throw new Error('the first packet did not open')
    }
    const forgedFrom = (index: number): number => (apart === 'budget' ? FLOODER : FORGED_FROM + index)
    const forged = await send('forged.pcap', forgedPackets('fwknop', DIFFERENT).map(fitting), forgedFrom)
    const honest = await send('honest.pcap', rest, honestFrom)
    const seconds = SETTLE_MS / 1_000 + HONEST / HONEST_PPS + 1
    const loops = Math.ceil((pps * FLOOD_S) / DIFFERENT)
    const flooding = generate(world, forged, { pps, loops, packets: DIFFERENT, seconds: Math.ceil(seconds) })
    await sleep(SETTLE_MS)
    const begun = usageOf(peer.process.pid)
    await generate(world, honest, { pps: HONEST_PPS, packets: HONEST })
    const ended = usageOf(peer.process.pid)
    await sleep(SETTLE_MS)
    const opened = new Share(count() - before, HONEST)
    await flooding
    return { opened, cpuPercent: ((ended.cpuMs - begun.cpuMs) / (ended.at - begun.at)) * 100 }
  } finally {
    await world.remove()
  }
}

/** Returns a packet whose end is base64 of whole bytes: any other costs no HMAC. */
function fitting(packet: Uint8Array): Uint8Array {
  return Uint8Array.of(...packet.subarray(0, -1), 'A'.charCodeAt(0))
}

function keyOf(digest: string, index: number): string {
  return createHmac(digest, 'stanza').update(String(index)).digest('base64')
}

/** Returns stanzas of other users: all have to be tried before the last one. */
function otherStanzas(): string {
  return Array.from(
    { length: STANZAS - 1 },
    (_, index) => `SOURCE ANY\nKEY_BASE64 ${keyOf('sha256', index)}\nHMAC_KEY_BASE64 ${keyOf('sha512', index)}\n`,
  ).join('')
}

/** Honest packets of fwknop's client amid forged ones, where something tells them apart, with many users. */
export async function stanzas({ say }: Terms): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const apart of ['budget', 'known', 'SOURCE'] as const) {
    say(`${STANZAS} stanzas, ${RATE} forged a second, ${APART[apart]}`)
    const ours = await flooded(SETTINGS.ours, RATE, apart)
    const theirs = await flooded(SETTINGS.theirs, RATE, apart)
    rows.push(
      {
        measure: `${STANZAS} stanzas, ${RATE} forged a second, ${APART[apart]}: honest that open`,
        ours: ours.opened,
        theirs: theirs.opened,
        aim: 'all',
        met: ours.opened.good === HONEST,
      },
      {
        measure: '  CPU',
        ours: figure(ours.cpuPercent, '% of a core'),
        theirs: figure(theirs.cpuPercent, '% of a core'),
      },
    )
  }
  return rows
}
