// Goal: ports are hidden and opened by the kernel alone. They close on time with the daemon killed, and what is open
// outlives restarts; at no moment of the daemon's life does a stranger get through.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sample } from '../slow.ts'
import { DUE_LIMIT_MS, guardSsh, isGuarded, knockIn, looks, sshConfig, timesLeft } from './guarded.ts'
import { SharedDaemon } from './one-daemon.ts'
import { nftRules } from './firewall.ts'
import { startAgain, withStateDir } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import { probe, sendKnocks, serveTcp, watchWire } from './service.ts'

const OPEN_S = 2
/** For tests that end no daemon. */
const shared = new SharedDaemon()
const DOOR = '[ssh]\nSequence = 7301,822,9403\nOpen_Ports = tcp/22\n'

lab('an opening', () => {
  test.each([
    [4, SERVER_4, SERVER_6],
    [6, SERVER_6, SERVER_4],
  ] as const)('of IPv%i begins with the knock and ends on time', async (_, address, other) => {
    const { server, client, daemon } = await shared.with(sshConfig(OPEN_S))
    await serveTcp(server, 22)
    expect(await probe(client, address, 22)).toBe('refused')
    const before = performance.now()
    await knockIn(client, address, daemon.process)
    expect(await probe(client, address, 22)).toBe('open')
    expect(await probe(client, other, 22)).toBe('refused')
    await looks(client, address, 22, 'refused')
    expect(performance.now() - before).toBeGreaterThanOrEqual(OPEN_S * 1000)
    await daemon.process.line(/ssh: tcp\/22 closed$/)
  })

  const families = [
    [4, SERVER_4],
    [6, SERVER_6],
  ] as const
  test.each(sample(families, ([family]) => family === 4))(
    'of IPv%i ends on time with the daemon killed',
    async (_, address) => {
      const { server, client } = await pair()
      await serveTcp(server, 22)
      const daemon = await guardSsh(server, OPEN_S)
      const before = performance.now()
      await knockIn(client, address, daemon.process)
      daemon.process.kill('SIGKILL')
      await daemon.process.ended
      expect(await probe(client, address, 22)).toBe('open')
      await looks(client, address, 22, 'refused')
      expect(performance.now() - before).toBeGreaterThanOrEqual(OPEN_S * 1000)
      // What is overdue at the start is not opened again.
      const again = await startAgain(server, daemon)
      expect(await probe(client, address, 22)).toBe('refused')
      expect((await timesLeft(server)).size).toBe(0)
      await knockIn(client, address, again)
      expect(await probe(client, address, 22)).toBe('open')
    },
  )

  const signals = sample(['SIGKILL', 'SIGTERM'] as const, (each) => each === 'SIGKILL')
  test.each(signals)('outlives %s and a new start, and ends when it is due', async (signal) => {
    const { server, client } = await pair()
    await serveTcp(server, 22)
    const daemon = await guardSsh(server, 4)
    const before = performance.now()
    await knockIn(client, SERVER_4, daemon.process)
    // The kernel lets through before the journal is on disk.
    await until('it is written down', () => noted(daemon).includes(CLIENT_4))
    daemon.process.kill(signal)
    await daemon.process.ended
    expect(await isGuarded(server)).toBe(true)
    const again = await startAgain(server, daemon)
    const [left, ...more] = [...(await timesLeft(server)).values()]
    expect(more).toEqual([])
    expect(left).toBeLessThanOrEqual(4_000)
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    await again.line(new RegExp(`${CLIENT_4}: ssh: tcp/22 closed`), DUE_LIMIT_MS)
    expect(performance.now() - before).toBeGreaterThanOrEqual(4_000)
    expect(await probe(client, SERVER_4, 22)).toBe('refused')
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

/** What stands in a daemon's journal. */
function noted({ stateDir }: Knockd): string {
  const journals = readdirSync(stateDir).filter((name) => name.endsWith('.journal'))
  return journals.map((name) => readFileSync(join(stateDir, name), 'utf8')).join('')
}

/** SYNs at port 22 without a pause from each new source port, IPv4; what the wire shows of answers that open. */
async function besiege(client: Host): Promise<{ readonly sent: () => number; readonly let: () => readonly string[] }> {
  const wire = await watchWire(client, `tcp port 22 and tcp[tcpflags] & tcp-syn != 0`)
  client.start(['hping3', '-q', '-S', '-p', '22', '-i', 'u500', '-s', '20000', SERVER_4])
  await wire.line(/ > 192\.0\.2\.1\.22: Flags \[S\]/)
  return {
    sent: () => wire.count(/ > 192\.0\.2\.1\.22: Flags \[S\]/),
    let: () => wire.lines.filter((line) => /192\.0\.2\.1\.22 > .*Flags \[S\.\]/.test(line)),
  }
}

lab('a stranger', () => {
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

lab('a reload', () => {
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
