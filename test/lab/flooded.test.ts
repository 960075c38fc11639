// Goal: forged single packets, of each kind, from one address or from very many, keep no owner out: neither one who comes
// from an address that has opened before, nor, where one address floods, one who comes from anywhere. Packets of our own
// keep nobody out, whatever address is forged, by whoever has no key of a user.
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { formatKey } from '../../src/spa/noise/key-text.ts'
import { SLOW, sample } from '../slow.ts'
import { framesTo, send, writeFrames } from './flood.ts'
import { sendRaw } from './frames.ts'
import { program, startKnockd } from './knockd.ts'
import { lab, pair } from './net.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'
import { SERVER_SECRET, fwknop, knockknock, ours } from './single-packets.ts'
import type { Kind } from './single-packets.ts'
import type { Segment } from '../packets/build.ts'

/** Honest packets amid each flood. */
const HONEST = SLOW ? 14 : 8
/** A second: the honest packets come this often. */
const HONEST_PPS = 4
/** Forged packets that differ. */
const DIFFERENT = 4_000
/** The same of our own packets, of which each takes a millisecond to make. */
const OWN_DIFFERENT = SLOW ? 1_000 : 300
/** Milliseconds from the beginning of a flood to the first honest packet. */
const SETTLE_MS = 500
/** More seconds than a flood lasts. */
const FLOOD_MAX_S = 20
const OWNER = '192.0.2.50'
const FLOODER = '192.0.2.66'

let running: Process | undefined
let flood: Process | undefined
afterEach(async () => {
  await flood?.stop()
  await running?.stop()
  running = undefined
  flood = undefined
})

const KINDS = { fwknop, knockknock, ours } as const
type Forger = 'one address' | 'many addresses' | "the owner's address" | "many addresses and the owners'"
type Owner = 'new addresses' | 'a known address'

const newAddress = (number: number): string => `192.0.2.${100 + number}`
const sourceOf = (forger: Forger, index: number): string => {
  if (forger === 'one address') return FLOODER
  if (forger === "the owner's address") return OWNER
  if (forger === "many addresses and the owners'" && index % 2 === 0) return newAddress((index / 2) % HONEST)
  return `10.${index & 255}.${(index >>> 8) & 255}.${(index * 7) & 255}`
}

const made = new Map<Kind, readonly Segment[]>()
/** Forged packets of a kind. They are dear, and the same ones do for every flood. */
const forgedOf = (kind: Kind): readonly Segment[] => {
  const length = kind === ours ? OWN_DIFFERENT : DIFFERENT
  const forged = made.get(kind) ?? Array.from({ length }, (_, index) => kind.forged(index))
  made.set(kind, forged)
  return forged
}

/** How many of the honest packets open amid a flood, and the share of a core that the daemon takes. */
const opened = async (kind: Kind, pps: number, forger: Forger, owner: Owner): Promise<number> => {
  const { server, client } = await pair()
  const key = scratch('server.key')
  writeFileSync(key, `${formatKey('postern-server-secret', SERVER_SECRET)}\n`, { mode: 0o600 })
  const config = `[options]\nSPA_Key_File = ${key}\n[door]\n${kind.config()}\nOpen_Ports = tcp/22\nOpen_For = 10m\n`
  const daemon = await startKnockd({ host: server, config })
  running = daemon.process
  const from = (number: number): string => (owner === 'new addresses' ? newAddress(number) : OWNER)
  let before = 0
  if (owner === 'a known address') {
    await sendRaw(client, await framesTo(server, [kind.honest(0, OWNER)]))
    await running.line(/OPEN SESAME/)
    before = 1
  }
  const packets = forgedOf(kind).map((packet, index) => Object.assign({}, packet, { from: sourceOf(forger, index) }))
  const forged = writeFrames(await framesTo(server, packets))
  // What is dated is made at the last moment.
  const honest = Array.from({ length: HONEST }, (_, index) => kind.honest(before + index, from(index)))
  const frames = await framesTo(server, honest)
  flood = send(client, forged, pps, Math.ceil((pps * FLOOD_MAX_S) / packets.length))
  await sleep(SETTLE_MS)
  const cpu = cpuMs(running.pid)
  const began = performance.now()
  await sendRaw(client, frames, 1_000 / HONEST_PPS)
  const percent = ((cpuMs(running.pid) - cpu) / (performance.now() - began)) * 100
  expect(flood.exit).toBeUndefined()
  await flood.stop()
  flood = undefined
  // Whatever comes behind it has been looked at too.
  const last = await framesTo(server, [kind.honest(before + HONEST, '192.0.2.99')])
  await until('the last packet', async () => {
    await sendRaw(client, last)
    return daemon.process.count(/192\.0\.2\.99: door: OPEN SESAME/) > 0
  })
  if (MEASURES) {
    const argv = [process.execPath, program('postern'), 'status', '--json', '-c', daemon.file, '-i', 'eth0']
    console.log(JSON.stringify((JSON.parse((await server.run(argv)).stdout) as { interfaces: unknown }).interfaces))
  }
  const count = daemon.process.count(/OPEN SESAME/) - before - 1
  if (MEASURES)
    console.log(`${pps}/s from ${forger}, owner at ${owner}: ${count} of ${HONEST}, CPU ${percent.toFixed(0)} %`)
  return count
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Packets a second, from where, whose doors open, how many of the honest packets may be lost, and the kinds without SLOW. */
type Case = readonly [pps: number, forger: Forger, owner: Owner, lost: number, kinds: readonly Kind[]]

const RATES = [200, 2_000, 20_000]
const MEASURED = RATES.flatMap((pps): readonly Case[] => [
  [pps, 'one address', 'new addresses', HONEST, []],
  [pps, 'many addresses', 'new addresses', HONEST, []],
  [pps, 'many addresses', 'a known address', HONEST, []],
  [pps, "the owner's address", 'a known address', HONEST, []],
])
/** Where packets are forged that cost the daemon as much as honest ones, some of those come to nothing. */
const [FEW, SOME] = SLOW ? [3, 5] : [2, 3]
const PLAN: readonly Case[] = [
  [2_000, 'one address', 'new addresses', FEW, [fwknop]],
  [2_000, 'many addresses', 'a known address', FEW, [knockknock]],
  [2_000, "the owner's address", 'a known address', SOME, [fwknop]],
]

/** FLOODS=1 measures, and expects nothing. */
const MEASURES = process.env.FLOODS !== undefined

/** Who forges our own packets has no tag of a user, so that no address is worse than another. */
const OWN_PLAN: readonly Case[] = [
  [2_000, 'one address', 'new addresses', 0, []],
  [2_000, 'many addresses', 'new addresses', 0, []],
  [20_000, 'many addresses', 'new addresses', 1, []],
  [20_000, "the owner's address", 'a known address', 1, []],
  [20_000, "many addresses and the owners'", 'new addresses', 1, [ours]],
]

lab.each(Object.entries(KINDS))('%s amid forged packets', (_, kind) => {
  const plan = sample(kind === ours ? OWN_PLAN : PLAN, ([, , , , kinds]) => kinds.includes(kind))
  test.each(MEASURES ? MEASURED : plan)(
    `%i a second from %s: of ${HONEST} from %s all but %i open`,
    async (pps, forger, owner, lost) => {
      expect(await opened(kind, pps, forger, owner)).toBeGreaterThanOrEqual(HONEST - lost)
    },
    120_000,
  )
})
