// Goal: doc/clients.md is true. What it has people type on Linux opens a door; and what phone apps send, as their sources have
// it, opens a door on the network and in a recording.
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { sample } from '../slow.ts'
import { parseSequence } from '../../src/config/sequence.ts'
import { valueOf } from '../../src/text/read.ts'
import { blocksOf, document } from '../documents/markdown.ts'
import { LINKS, ip4 } from '../packets/build.ts'
import { pcapFile } from '../packets/capture.ts'
import { APPS, sentBy } from '../packets/phones.ts'
import { framesTo } from './flood.ts'
import { sendRaw } from './frames.ts'
import { program } from './knockd.ts'
import { SERVER_4, lab, pair } from './net.ts'
import { OneDaemon } from './one-daemon.ts'
import { run } from './process.ts'
import { scratch } from './scratch.ts'

const PAGE = document('doc/clients.md')
const HOST = 'gate.example.org'
const PHONE = '192.0.2.77'
const BEGIN_S = 1_700_000_000n

/** The doors of the page, which its lines knock at. */
const DOORS = blocksOf(PAGE)
  .filter((block) => /^\[(ports|mixed)\]/.test(block))
  .join('')
  .replaceAll(/^Open_Ports = .*$/gm, 'Start_Command = echo open')
const sequenceOf = (door: string): string => new RegExp(`^\\[${door}\\]\\nSequence = (\\S+)$`, 'm').exec(DOORS)![1]!
const MIXED = sequenceOf('mixed')
const PORTS = sequenceOf('ports')

/** The blocks below the headings of a part, each with its heading. */
function typed(part: string): readonly (readonly [heading: string, block: string])[] {
  const text = PAGE.split(`\n## ${part}\n`)[1]!.split(/^## /m)[0]!
  return text
    .split(/^### /m)
    .slice(1)
    .flatMap((section) => blocksOf(section).map((block) => [section.split('\n')[0]!, block] as const))
}

lab('clients of others', () => {
  const one = new OneDaemon()

  test('the page has a block for each program of Debian that it names', () => {
    expect(new Set(typed('Linux').map(([heading]) => heading))).toEqual(
      new Set(['bash', 'nc', 'socat', 'telnet', 'curl', 'nmap', 'hping3']),
    )
  })

  // One daemon for all of them: each opens its door again.
  test('each block for Linux, as it is typed', { timeout: 180_000 }, async () => {
    const { server, client } = await pair()
    client.etc('hosts', `${SERVER_4} ${HOST}\n`)
    const daemon = await one.start(server, DOORS)
    for (const [heading, block] of typed('Linux')) {
      const door = block.includes('419') ? 'mixed' : 'ports'
      // Programs that find a port closed say so by their exit code.
      await client.run(['bash', '-c', block], { mayFail: true, limitMs: 60_000 })
      expect(await daemon.process.line(/OPEN SESAME/), heading).toMatch(new RegExp(`: ${door}: OPEN SESAME$`))
      expect(daemon.process.count(/wrong knock|stays shut/), heading).toBe(0)
    }
  })

  const sequences = [
    ['Knock on Ports', PORTS],
    ['Knock on Ports', MIXED],
    ['Knock on Ports', '24817,8093:udp/0,icmp/419,icmp/419'],
    ['PortKnocker', PORTS],
    ['PortKnocker', '24817,8093:udp/1,41552'],
    ['PortKnocker that waits for connections', '24817,41552,8093:udp'],
    ['KnockOnD', PORTS],
    ['KnockOnD, its own pause', '24817,8093:udp,41552'],
  ] as const
  // Without SLOW one of each app and each way that it has.
  const tried = sample(sequences, ([, sequence], index) => sequence !== PORTS && index !== 1)
  test.each(tried)('%s: %s, sent and replayed', async (name, sequence) => {
    const { server, client } = await pair()
    const daemon = await one.start(server, `[app]\nSequence = ${sequence}\nStart_Command = echo open\n`)
    const sent = sentBy(APPS[name], valueOf(parseSequence(sequence))!, { from: PHONE, to: SERVER_4 })
    for (const { packet, afterMs } of sent) {
      await pause(afterMs)
      await sendRaw(client, await framesTo(server, [packet]))
    }
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(`${PHONE}: app: OPEN SESAME`)
    expect(daemon.process.count(/Stage/)).toBe(sequence.split(',').length)

    const [, linkType, wrap] = LINKS[0]!
    let ms = 0
    const frames = sent.map(({ packet, afterMs }) => {
      ms += afterMs
      return { time: BEGIN_S * 1_000_000n + BigInt(ms) * 1_000n, bytes: wrap(ip4(packet)) }
    })
    const file = scratch('app.pcap')
    writeFileSync(file, pcapFile(frames, 'little', 'us', linkType))
    const { stdout } = await run([process.execPath, program('postern'), 'replay', '-c', daemon.file, file])
    expect(stdout).toContain(`${PHONE}: app: OPEN SESAME`)
  })
})
