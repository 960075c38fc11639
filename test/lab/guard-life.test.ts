// Goal: ports are hidden and opened by the kernel alone. They close on time with the daemon killed, and what is open
// outlives restarts; at no moment of the daemon's life does a stranger get through.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sample } from '../slow.ts'
import { DUE_LIMIT_MS, guardSsh, isGuarded, knockIn, looks, sshConfig, timesLeft } from './guarded.ts'
import { SharedDaemon } from './one-daemon.ts'
import { nftRules } from './firewall.ts'
import { startAgain, startKnockd, withStateDir } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, CLIENT_6, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import { probe, sendKnocks, serveTcp, watchWire } from './service.ts'

const OPEN_S = 2
/** Seconds of an opening that outlives a new start, on a busy machine. */
const LONG_S = 10
/** For tests that end no daemon. */
const shared = new SharedDaemon()
const DOOR = '[ssh]\nSequence = 7301,822,9403\nOpen_Ports = tcp/22\n'

/** What stands in a daemon's journal. */
function noted({ stateDir }: Knockd): string {
  const journals = readdirSync(stateDir).filter((name) => name.endsWith('.journal'))
  return journals.map((name) => readFileSync(join(stateDir, name), 'utf8')).join('')
}

/** One SYN in so many is shown: the source ports follow one another. */
const SHOWN_IN = 32

/** SYNs at port 22 without a pause from each new source port, IPv4; what the wire shows of answers that open. */
async function besiege(client: Host): Promise<{ readonly sent: () => number; readonly let: () => readonly string[] }> {
  const flags = 'tcp[tcpflags] & (tcp-syn|tcp-ack)'
  const some = `${flags} == tcp-syn and tcp[0:2] & ${SHOWN_IN - 1} == 0`
  const wire = await watchWire(client, `tcp port 22 and (${some} or ${flags} == (tcp-syn|tcp-ack))`)
  client.start(['hping3', '-q', '-S', '-p', '22', '-i', 'u500', '-s', '20000', SERVER_4])
  await wire.line(/ > 192\.0\.2\.1\.22: Flags \[S\]/)
  return {
    sent: () => wire.count(/ > 192\.0\.2\.1\.22: Flags \[S\]/) * SHOWN_IN,
    let: () => wire.lines.filter((line) => /192\.0\.2\.1\.22 > .*Flags \[S\.\]/.test(line)),
  }
}

// On networks of their own, at the same time as what shares one.
lab('an opening', { concurrent: true }, () => {
  const ends = [
    [4, 'SIGKILL', SERVER_4, CLIENT_4],
    [6, 'SIGKILL', SERVER_6, CLIENT_6],
    [4, 'SIGTERM', SERVER_4, CLIENT_4],
  ] as const
  test.each(sample(ends, (_, index) => index === 0))(
    'of IPv%i ends on time after %s for the daemon, or outlives that and a new start',
    async (_, signal, address, source) => {
      const { server, client } = await pair()
      for (const port of [22, 23]) await serveTcp(server, port)
      const long = `[long]\nSequence = 7302,822,9403\nOpen_Ports = tcp/23\nOpen_For = ${LONG_S}s\n`
      const daemon = await startKnockd({ host: server, config: `${sshConfig(OPEN_S)}${long}` })
      const view = async (): Promise<readonly string[]> =>
        await Promise.all([22, 23].map(async (port) => await probe(client, address, port)))
      const before = performance.now()
      await sendKnocks(client, address, ['7302', '822', '9403'])
      await daemon.process.line(/long: .* open for/)
      // The kernel lets through before the journal is on disk.
      await until('it is written down', () => noted(daemon).includes(source))
      const later = performance.now()
      await knockIn(client, address, daemon.process)
      daemon.process.kill(signal)
      await daemon.process.ended
      expect(await view()).toEqual(['open', 'open'])
      await looks(client, address, 22, 'refused')
      expect(performance.now() - later).toBeGreaterThanOrEqual(OPEN_S * 1000)
      expect(await isGuarded(server)).toBe(true)
      const again = await startAgain(server, daemon)
      // What is overdue at the start is not opened again.
      expect(await view()).toEqual(['refused', 'open'])
      const [left, ...more] = [...(await timesLeft(server)).values()]
      expect(more).toEqual([])
      expect(left).toBeLessThanOrEqual(LONG_S * 1000)
      await again.line(new RegExp(`${source}: long: tcp/23 closed`), DUE_LIMIT_MS)
      expect(performance.now() - before).toBeGreaterThanOrEqual(LONG_S * 1000)
      expect(await view()).toEqual(['refused', 'refused'])
      await knockIn(client, address, again)
      expect(await view()).toEqual(['open', 'refused'])
    },
  )
})

lab('a stranger', { concurrent: true }, () => {
  test('gets through at no moment of starts, stops, reloads and kills', async () => {
    const { server, client } = await pair()
    await serveTcp(server, 22)
    const daemon = await guardSsh(server, 60)
    const siege = await besiege(client)
    const more = async (): Promise<void> => {
      const before = siege.sent()
      await until('more has come', () => siege.sent() > before + 100)
    }
    await more()
    let { process } = daemon
    for (const [index, hiding] of sample(['drop', 'reset', 'match'], (each) => each !== 'reset').entries()) {
      const mark = 8_001 + index
      const config = `[options]\nHide_With = ${hiding}\nGuard = tcp/${mark}\n${DOOR}`
      writeFileSync(daemon.file, withStateDir(config, daemon.stateDir))
      process.kill('SIGHUP')
      await until('the config is read again', async () => (await nftRules(server)).includes(`${mark}`))
      await more()
      process.kill(hiding === 'drop' ? 'SIGKILL' : 'SIGTERM')
      await process.ended
      await more()
      process = await startAgain(server, daemon)
      await more()
    }
    expect(siege.let()).toEqual([])
    // Only a siege that would show it if somebody got through says anything.
    await process.stop()
    await server.run(['nft', 'delete', 'table', 'inet', 'postern'])
    await until('the port shows without the guard', () => siege.let().length > 0)
  })
})

lab('on one network', { concurrent: true }, () => {
  describe.sequential('an opening', () => {
    test('begins with the knock and ends on time, for each family by itself', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(OPEN_S))
      await serveTcp(server, 22)
      for (const address of [SERVER_4, SERVER_6]) expect(await probe(client, address, 22)).toBe('refused')
      const ends = async (address: string, since: number): Promise<void> => {
        await looks(client, address, 22, 'refused')
        expect(performance.now() - since).toBeGreaterThanOrEqual(OPEN_S * 1000)
      }
      const first = performance.now()
      await knockIn(client, SERVER_4, daemon.process)
      expect(await probe(client, SERVER_4, 22)).toBe('open')
      expect(await probe(client, SERVER_6, 22)).toBe('refused')
      const ended = ends(SERVER_4, first)
      const second = performance.now()
      await knockIn(client, SERVER_6, daemon.process)
      expect(await probe(client, SERVER_6, 22)).toBe('open')
      await Promise.all([ended, ends(SERVER_6, second)])
      for (let count = 0; count < 2; count++) await daemon.process.line(/ssh: tcp\/22 closed$/)
    })

    test('is made longer by a repeated knock', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(OPEN_S))
      await serveTcp(server, 22)
      await knockIn(client, SERVER_4, daemon.process)
      await until('half of it is over', async () => {
        const [left = 0] = (await timesLeft(server)).values()
        return left < (OPEN_S * 1000) / 2
      })
      const again = performance.now()
      await sendKnocks(client, SERVER_4, ['7301', '822', '9403'])
      await daemon.process.line(/is open already, and stays so for another 2 s/)
      await looks(client, SERVER_4, 22, 'refused')
      expect(performance.now() - again).toBeGreaterThanOrEqual(OPEN_S * 1000)
      await daemon.process.line(/ closed$/)
      expect(daemon.process.count(/ closed$/)).toBe(1)
    })

    test('is for who knocked, and nobody else', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(60))
      await client.address('eth0', '192.0.2.3/24')
      await serveTcp(server, 22)
      await knockIn(client, SERVER_4, daemon.process)
      const from = async (source: string): Promise<number | null> =>
        (await client.run(['timeout', '1', 'nc', '-z', '-s', source, SERVER_4, '22'], { mayFail: true })).code
      expect(await from(CLIENT_4)).toBe(0)
      expect(await from('192.0.2.3')).not.toBe(0)
      expect(await probe(client, SERVER_6, 22)).toBe('refused')
    })
  })

  describe.sequential('a reload', () => {
    test('closes the doors that are gone, moves those that have other ports, and takes an unwanted guard away', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(60))
      for (const port of [22, 23]) await serveTcp(server, port)
      const reload = async (config: string): Promise<void> => {
        writeFileSync(daemon.file, withStateDir(config, daemon.stateDir))
        daemon.process.kill('SIGHUP')
        await daemon.process.line(/re-reading config/)
      }
      await knockIn(client, SERVER_4, daemon.process)
      expect(await probe(client, SERVER_4, 22)).toBe('open')
      await reload(DOOR.replace('tcp/22', 'tcp/23').concat('[other]\nSequence = 1,2\nOpen_Ports = tcp/22\n'))
      await looks(client, SERVER_4, 22, 'refused')
      expect(await probe(client, SERVER_4, 23)).toBe('open')
      await reload('[other]\nSequence = 1,2\nOpen_Ports = tcp/23\n')
      await daemon.process.line(new RegExp(`${CLIENT_4}: ssh: .* closed`))
      expect(await probe(client, SERVER_4, 23)).toBe('refused')
      expect(await probe(client, SERVER_4, 22)).toBe('open')
      await reload('[other]\nSequence = 1,2\nCommand = true\n')
      await until('the guard is gone', async () => !(await isGuarded(server)))
      expect(await probe(client, SERVER_4, 23)).toBe('open')
    })

    test('of a config that is wrong leaves everything as it is', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(60))
      await serveTcp(server, 22)
      await knockIn(client, SERVER_4, daemon.process)
      const before = await nftRules(server)
      writeFileSync(daemon.file, '[ssh]\nSequence = 1\nOpen_Ports = 22\n')
      daemon.process.kill('SIGHUP')
      await daemon.process.line(/keeping the previous config/)
      expect((await nftRules(server)).replace(/ expires \w+| packets \d+ bytes \d+/g, '')).toBe(
        before.replace(/ expires \w+| packets \d+ bytes \d+/g, ''),
      )
      expect(await probe(client, SERVER_4, 22)).toBe('open')
      expect(await probe(client, SERVER_6, 22)).toBe('refused')
    })
  })
})
