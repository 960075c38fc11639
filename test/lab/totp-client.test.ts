// Goal: what leaves the client is the code of the moment, behind the ports given, once.
import { chmodSync, readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { codeOf, periodAt, type TotpSecret } from '../../src/totp/code.ts'
import { knocksOfCode } from '../../src/totp/ports.ts'
import { readSecret } from '../../src/totp/secret-text.ts'
import { knock, program } from './knockd.ts'
import { lab, pair, SERVER_4, SERVER_6, type Host } from './net.ts'
import { run } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { sendKnocks, watchWire } from './service.ts'

/** First packets of connections, and datagrams. */
const KNOCKS =
  'udp or (ip and tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn) or (ip6 and tcp and ip6[53] & 0x12 == 0x02)'
/** A code that expires soon is not knocked: then knock says that it waits. */
const WAITED = /^(knock: waiting [0-9.]+ s for the next code\n)?$/
/** Ends what is watched: a port no code has. */
const LAST = 9

/** The key of RFC 6238, appendix B, with the shortest period there is. */
const KEY = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const PERIOD_S = 5
const SECRET: TotpSecret = {
  key: new TextEncoder().encode('12345678901234567890'),
  algorithm: 'SHA1',
  digits: 8,
  periodS: PERIOD_S,
}
const secretFile = (): string =>
  writeConfig(`# of ssh\notpauth://totp/gate:ssh?secret=${KEY}&digits=8&period=${PERIOD_S}\n`, 'totp')

const periodNow = (): number => Math.floor(Date.now() / (PERIOD_S * 1_000))
const portsOf = (period: number): readonly string[] =>
  knocksOfCode(codeOf(SECRET, period)).map(({ port }) => `tcp ${port}`)

lab('a code on the wire', () => {
  let server: Host
  let client: Host
  beforeAll(async () => {
    ;({ server, client } = await pair())
    // No answer comes back: a SYN whose socket stays would be sent again.
    for (const iptables of ['iptables', 'ip6tables']) {
      await server.run([iptables, '-A', 'INPUT', '-p', 'tcp', '-j', 'DROP'])
    }
  })

  /** Runs knock, and gives its output and the ports that were knocked. */
  const watched = async (
    args: readonly string[],
  ): Promise<{ readonly code: number | null; readonly out: string; readonly err: string; readonly seen: string[] }> => {
    const wire = await watchWire(server, KNOCKS)
    const { code, stdout, stderr } = await knock(client, args)
    await sendKnocks(client, SERVER_4, [`${LAST}:udp`])
    await wire.line(new RegExp(` > ${SERVER_4}\\.${LAST}: UDP`))
    await wire.stop()
    const seen = wire.lines.flatMap((line) => {
      const [, port, rest = ''] = /^IP6? \S+ > \S+\.(\d+): (.*)$/.exec(line) ?? []
      return port === undefined || port === String(LAST) ? [] : [`${rest.startsWith('UDP') ? 'udp' : 'tcp'} ${port}`]
    })
    return { code, out: stdout, err: stderr, seen }
  }

  test('--code knocks the ports that the rule gives, also with a blank, on either family', async () => {
    for (const [address, code] of [
      [SERVER_4, '12345678'],
      [SERVER_6, '1234 5678'],
    ] as const) {
      expect(await watched(['--code', code, address])).toEqual({
        code: 0,
        out: '',
        err: '',
        seen: ['tcp 21234', 'tcp 15678'],
      })
    }
    expect((await watched(['--code', '123456', SERVER_4])).seen).toEqual(['tcp 20123', 'tcp 10456'])
  })

  test('-u is for the ports in front of a code', async () => {
    const { out, seen } = await watched(['-uv', '--code', '12345678', SERVER_4, '5001', '5002'])
    expect(seen).toEqual(['udp 5001', 'udp 5002', 'tcp 21234', 'tcp 15678'])
    expect(out).toContain(`hitting tcp ${SERVER_4}:21234\n`)
  })

  test('--totp-file knocks the code of the moment', async () => {
    const before = periodNow()
    const { code, err, seen } = await watched(['--totp-file', secretFile(), SERVER_4, '5001'])
    const after = periodNow()
    expect([code, seen[0]]).toEqual([0, 'tcp 5001'])
    expect(err).toMatch(WAITED)
    const possible = Array.from({ length: after - before + 1 }, (_, index) => portsOf(before + index))
    expect(possible).toContainEqual(seen.slice(1))
  })

  test('what postern keygen makes is what --totp-file takes', async () => {
    const file = scratch('keygen')
    const { stdout } = await run([process.execPath, program('postern'), 'keygen', 'totp', 'ssh', '--file', file])
    expect(stdout).toContain(`TOTP_Secret_File = ${file}\n`)
    const read = readSecret(readFileSync(file, 'utf8'))
    if (!('value' in read)) throw new Error(read.message)
    const { value: secret } = read
    const before = periodAt(secret, Date.now())
    const { code, err, seen } = await watched(['--totp-file', file, SERVER_4])
    expect(code).toBe(0)
    expect(err).toMatch(WAITED)
    const possible = [before, before + 1].map((period) =>
      knocksOfCode(codeOf(secret, period)).map(({ port }) => `tcp ${port}`),
    )
    expect(possible).toContainEqual(seen)
  })

  test('a second knock in the same period waits for the next code, and says so', async () => {
    const file = secretFile()
    const how = { env: { XDG_STATE_HOME: scratch('state') } }
    const before = periodNow()
    const outputs = [
      await knock(client, ['-v', '--totp-file', file, SERVER_4], how),
      await knock(client, ['-v', '--totp-file', file, SERVER_4], how),
    ]
    const codes = outputs.map(({ stdout }) => [...stdout.matchAll(/^hitting tcp \S+:(\d+)$/gm)].map(([, port]) => port))
    const periods = Array.from({ length: 5 }, (_, index) => portsOf(before + index).join())
    const [first, second] = codes.map((ports) => periods.indexOf(ports.map((port) => `tcp ${port}`).join()))
    expect(first).toBeGreaterThanOrEqual(0)
    expect(second).toBeGreaterThan(first!)
    expect(outputs[1]!.stderr).toMatch(/^knock: waiting [0-9.]+ s for the next code\n$/)
  })

  test('--retry knocks the next code, not the same one, and waits for it', async () => {
    const before = periodNow()
    const args = ['-v', '--totp-file', secretFile(), '--verify', 'tcp/22', '--retry', '1', SERVER_4]
    const { code, err, seen } = await watched(args)
    expect(code).toBe(1)
    expect(err).toMatch(
      /^(knock: waiting [0-9.]+ s for the next code\n)+knock: tcp \S+:22 is not open after 2 rounds of knocks\n$/,
    )
    const codes = seen.filter((knocked) => knocked !== 'tcp 22')
    expect(codes).toHaveLength(4)
    const periods = [0, 1, 2, 3, 4].map((index) => portsOf(before + index))
    const order = [codes.slice(0, 2), codes.slice(2)].map((knocked) =>
      periods.findIndex((ports) => ports.join() === knocked.join()),
    )
    expect(order[0]).toBeGreaterThanOrEqual(0)
    expect(order[1]).toBeGreaterThan(order[0]!)
  })

  test('a file that others can read is refused, and nothing leaves', async () => {
    const file = secretFile()
    chmodSync(file, 0o640)
    expect(await watched(['--totp-file', file, SERVER_4, '5001'])).toEqual({
      code: 1,
      out: '',
      err: `knock: ${file}: others than its owner can read or write it (mode 0640)\n  chmod 600 ${file}\n`,
      seen: [],
    })
  })
})
