// Goal: our SYN is, on the wire, the one that the original sends through hping3, and both say their port to our decoder.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeSyn, encodeSyn } from '../../src/peer/knockknock/syn.ts'
import type { SynFields } from '../../src/peer/knockknock/syn.ts'
import { knock } from './knockd.ts'
import { CLIENT_4, lab, pair, SERVER_4 } from './net.ts'
import type { Host } from './net.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'

const KNOCK_PORT = 666
const keys = {
  cipherKey: new Uint8Array(16).map((_, index) => index),
  macKey: new Uint8Array(16).map((_, index) => 16 + index),
}
const fileOf = (key: Uint8Array): string => `${Buffer.from(key).toString('base64')}\n`

lab('a SYN of knockknock', () => {
  test('sent by knock --spa, and by hping3 as the original does', async () => {
    const { server, client } = await pair()
    const wire = await watch(server)
    const home = scratch('home')
    const folder = join(home, '.knockknock', SERVER_4)
    mkdirSync(folder, { recursive: true })
    const files = { 'cipher.key': fileOf(keys.cipherKey), 'mac.key': fileOf(keys.macKey), counter: '7\n' }
    for (const [name, text] of Object.entries({ ...files, config: `[main]\nknock_port = ${KNOCK_PORT}\n` })) {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
    }

    const { code, stdout, stderr } = await knock(client, ['--spa', 'knockknock', SERVER_4, '22'], {
      env: { HOME: home },
    })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^asked 192\.0\.2\.1 \(tcp 666\) for tcp\/22, /)
    const ours = await nextSyn(wire)
    expect(ours).toMatchObject({ source: CLIENT_4, checksums: 'correct' })
    expect(decodeSyn(ours.fields, keys, 7, 1)).toEqual({ port: 22, counter: 7 })
    expect(readFileSync(join(folder, 'counter'), 'utf8')).toBe('8\n')

    const { identification, sequence, acknowledgment, window } = encodeSyn(443, keys, 8)
    const numbers = ['-N', identification, '-w', window, '-M', sequence, '-L', acknowledgment].map(String)
    await client.run(['hping3', '-S', '-c', '1', '-p', String(KNOCK_PORT), ...numbers, SERVER_4], { mayFail: true })
    const theirs = await nextSyn(wire)
    expect(decodeSyn(theirs.fields, keys, 8, 1)).toEqual({ port: 443, counter: 8 })
    // Nothing but what is said in them tells the two apart.
    expect(theirs.shape).toBe(ours.shape)
  })
})

interface Seen {
  readonly source: string
  readonly fields: SynFields
  /** What tcpdump says of both checksums together. */
  readonly checksums: string
  /** All that the two programs could differ in: time to live, flags, options, lengths. */
  readonly shape: string
}

/** tcpdump at the knock port, with every field of both headers in decimal, and sequence numbers as they are. */
async function watch(host: Host): Promise<Process> {
  // Checksums are computed in software, or they would be wrong on a virtual link.
  await host.run(['ethtool', '-K', 'eth0', 'tx', 'off', 'rx', 'off'], { mayFail: true })
  const filter = `dst port ${KNOCK_PORT} and tcp[tcpflags] & tcp-syn != 0`
  const argv = ['tcpdump', '-l', '-nn', '-t', '-vv', '-S', '-x', '--immediate-mode', '-Z', 'root', '-i', 'eth0', filter]
  const watcher = host.start(argv)
  await watcher.line(/listening on/)
  return watcher
}

/** The next SYN on the wire, from its bytes. */
async function nextSyn(wire: Process): Promise<Seen> {
  const [head, body] = [await wire.line(/^IP /), await wire.line(/ > .*: Flags/)]
  const bytes: number[] = []
  for (const _ of [0, 1, 2]) {
    const line = await wire.line(/^\s*0x00[0-2]0:/)
    bytes.push(
      ...[...line.replace(/^.*?: */, '').matchAll(/[0-9a-f]{2}/g)].map(([digits]) => Number.parseInt(digits, 16)),
    )
  }
  const view = new DataView(Uint8Array.from(bytes).buffer)
  return {
    source: /(\d+\.\d+\.\d+\.\d+)\.\d+ > /.exec(body)![1]!,
    fields: {
      identification: view.getUint16(4),
      sequence: view.getUint32(24),
      acknowledgment: view.getUint32(28),
      window: view.getUint16(34),
    },
    checksums: /bad|incorrect/.test(head + body) ? `${head} ${body}` : /\(correct\)/.test(body) ? 'correct' : body,
    shape: [
      view.getUint8(0),
      view.getUint8(1),
      view.getUint16(2),
      view.getUint16(6),
      view.getUint8(8),
      view.getUint16(32),
    ].join(' '),
  }
}
