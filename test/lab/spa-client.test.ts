// Goal: what our client sends on a real network is one packet for each family, each claiming the address of this machine
// that it leaves from, in the order of their times; and keys go from one program to the other as people copy them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { formatAddress } from '../../src/packet/address.ts'
import { readKeyFile, readKeyText } from '../../src/spa/noise/key-text.ts'
import { keyPairOf } from '../../src/spa/noise/curve.ts'
import { openClaim } from '../../src/spa/noise/packet.ts'
import { readUsers } from '../../src/spa/noise/users.ts'
import { knock, program } from './knockd.ts'
import { CLIENT_4, CLIENT_6, lab, pair, SERVER_4, SERVER_6 } from './net.ts'
import type { Host } from './net.ts'
import { scratch } from './scratch.ts'

/** A second address of the client's, to be chosen by --source. */
const SECOND_4 = '192.0.2.3'

/** Prints each datagram: from whom, and its bytes. */
const LISTENER = `
const socket = require('node:dgram').createSocket('udp6')
socket.on('message', (bytes, from) => console.log(from.address.replace('::ffff:', '') + ' ' + bytes.toString('hex')))
socket.bind(62201, '::', () => console.log('ready'))
`

lab('knock --spa', () => {
  test('asks both families, from the address it claims, with keys that postern made', async () => {
    const { server, client } = await pair()
    await client.address('eth0', `${SECOND_4}/24`)
    client.etc('hosts', `${SERVER_4} gate.test\n${SERVER_6} gate.test\n`)
    const home = scratch('home')
    const keyFile = scratch('server.key')
    const ours = await copied(server, 'server', { args: ['--file', keyFile] })
    const line = (await copied(client, 'user', { env: { HOME: home } })).trim()

    const { users, faults } = readUsers(`doors=ssh ${line}\n`)
    expect(faults).toEqual([])
    const secret = readKeyFile(readFileSync(keyFile, 'utf8'), 'postern-server-secret')
    if (!('value' in secret)) throw new Error(secret.message)
    const key = keyPairOf(secret.value)
    const printed = readKeyText(/^Server_Key = (\S+)$/m.exec(ours)![1]!, 'postern-server')
    expect(printed).toEqual({ value: new Uint8Array(key.publicKey) })

    mkdirSync(join(home, '.config/postern'), { recursive: true })
    const config = `[gate.test]\n${ours.replace(/^\[.*\]\n/, '').replace('…', 'ssh')}\n`
    writeFileSync(join(home, '.config/postern/config'), config)
    const listener = server.start([process.execPath, '-e', LISTENER])
    await listener.line(/^ready$/)

    const seen = async (): Promise<{ from: string; claimed: string; time: string }> => {
      const [from = '', hex = ''] = (await listener.line(/^[0-9a-f.:]+ [0-9a-f]+$/)).split(' ')
      const opened = openClaim(key, new Uint8Array(Buffer.from(hex, 'hex')), (publicKey) => users.find(publicKey))
      if (!('claim' in opened)) throw new Error(JSON.stringify(opened))
      const { address, wanted, timestamp } = opened.claim
      expect(wanted).toEqual({ kind: 'door', door: 'ssh' })
      return { from, claimed: address === undefined ? 'source' : formatAddress(address), time: timestamp }
    }
    const ask = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await knock(client, ['--spa', ...args], { env: { HOME: home } })
      expect([code, stderr]).toEqual([0, ''])
      return stdout
    }

    const said = await ask('gate.test')
    const both = [await seen(), await seen()]
    expect(both.map(({ from, claimed }) => `${from} ${claimed}`).sort()).toEqual([
      `${CLIENT_4} ${CLIENT_4}`,
      `${CLIENT_6} ${CLIENT_6}`,
    ])
    expect(both[1]!.time > both[0]!.time).toBe(true)
    for (const [to, whom] of [
      [SERVER_4, CLIENT_4],
      [SERVER_6, CLIENT_6],
    ]) {
      expect(said).toContain(`asked ${to} (udp 62201) for the door ssh, for ${whom}\n`)
    }

    await ask('gate.test', '-4', '--source', SECOND_4)
    expect(await seen()).toMatchObject({ from: SECOND_4, claimed: SECOND_4 })
    await ask('gate.test', '-6', '-a', '198.51.100.7')
    expect(await seen()).toMatchObject({ from: CLIENT_6, claimed: '198.51.100.7' })
    await ask('gate.test', '-4', '-a', 'source')
    expect(await seen()).toMatchObject({ from: CLIENT_4, claimed: 'source' })
    // One packet a family, and no more.
    expect(listener.count(/^[0-9a-f.:]+ [0-9a-f]+$/)).toBe(5)
  })

  test('says so where its address is changed on the way, and claims none', async () => {
    const { server, client } = await pair()
    await client.ip('addr del 192.0.2.2/24 dev eth0')
    await client.address('eth0', '10.99.0.2/24')
    await client.ip(`route add ${SERVER_4}/32 dev eth0`)
    await server.ip('route add 10.99.0.0/24 dev eth0')
    const home = scratch('home')
    await copied(client, 'user', { env: { HOME: home } })
    const serverKey = /postern-server:\S+/.exec(
      await copied(server, 'server', { args: ['--file', scratch('server.key')] }),
    )![0]
    const { code, stdout, stderr } = await knock(
      client,
      ['--spa', SERVER_4, '--server-key', serverKey, '--door', 'ssh'],
      { env: { HOME: home } },
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/for the address that it seems to come from\n$/)
    expect(stderr).toMatch(/^knock: 10\.99\.0\.2 is a private address: the server sees another one/)
  })
})

/** What `postern keygen` prints to be copied: the indented lines. */
async function copied(
  host: Host,
  command: 'server' | 'user',
  { args = [], env = {} }: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> },
): Promise<string> {
  const { stdout } = await host.run([process.execPath, program('postern'), 'keygen', command, ...args], { env })
  return stdout
    .match(/^ {4}\S.*$/gm)!
    .map((line) => line.trim())
    .join('\n')
}
