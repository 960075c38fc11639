// Goal: over networks that lose packets and change their order, `knock --verify --retry 5` opens nearly always.
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { knock, PROJECT, startKnockd } from './knockd.ts'
import { Host, lab } from './net.ts'
import { serveTcp } from './service.ts'
import { SLOW, sample } from '../slow.ts'

const SERVER = '192.0.2.1'
/** One address a try, so that none finds the door open already. */
const TRIES = SLOW ? 15 : 8
/** How many of them may stay shut: chance has a part in it. The rate itself is measured over many more. */
const SHUT_MAX = 2
const KNOCKS = ['24817', '8093', '41552']

const addressOf = (index: number): string => `192.0.2.${100 + index}`

/** Two hosts on a link that loses a share of packets, and delays each by `delayMs` more or less `jitterMs`. */
async function lossy(loss: number, delayMs: number, jitterMs: number): Promise<Host> {
  const server = await Host.make('server')
  const client = await Host.make('client')
  const link = server.start([
    process.execPath,
    join(PROJECT, 'test', 'lab', 'lossy-link.mjs'),
    server.ns,
    client.ns,
    'eth0',
    String(loss),
    String(delayMs),
    String(jitterMs),
  ])
  await link.line(/^up$/)
  for (const [host, addresses] of [
    [server, [SERVER]],
    [client, Array.from({ length: TRIES }, (_, index) => addressOf(index))],
  ] as const) {
    for (const address of addresses) await host.address('eth0', `${address}/24`)
    await host.ip('link set eth0 up')
  }
  await serveTcp(server, 22)
  await startKnockd({ host: server, config: `[ssh]\nSequence = ${KNOCKS.join()}\nOpen_Ports = tcp/22\n` })
  return client
}

lab('knock --verify --retry 5', () => {
  const hosts = new Map<string, Host>()
  const all = [
    ['30 % lost', 0.3, 5, 0],
    ['40 ms of jitter', 0, 40, 40],
    ['10 % lost, 40 ms of jitter', 0.1, 40, 40],
  ] as const
  const kinds = sample(all, ([, loss]) => loss > 0)
  beforeAll(async () => {
    for (const [name, loss, delayMs, jitterMs] of kinds) hosts.set(name, await lossy(loss, delayMs, jitterMs))
  })

  test.concurrent.each(kinds)('%s', { timeout: 120_000 }, async (name) => {
    const tries = Array.from({ length: TRIES }, async (_, index) => {
      const words = ['--source', addressOf(index), '--verify', 'tcp/22', '--retry', '5', SERVER, ...KNOCKS]
      return (await knock(hosts.get(name)!, words, { limitMs: 100_000 })).code
    })
    const codes = await Promise.all(tries)
    expect(codes.filter((code) => code === 0).length).toBeGreaterThanOrEqual(TRIES - SHUT_MAX)
  })
})
