// Goal: what the client's config says for a host is what is sent before the connection, once, and to no other host; whatever
// goes wrong is said on standard error, in a line and a hint. A port opens when the test's socket sees the knock.
import { createSocket } from 'node:dgram'
import type { Socket as Datagrams } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runCommand } from '../../cli/command.ts'
import { keyPairOf } from '../../spa/noise/curve.ts'
import { formatKey } from '../../spa/noise/key-text.ts'
import { openClaim } from '../../spa/noise/packet.ts'
import { PROXY } from './arguments.ts'
import { openConnection } from './opening.ts'
import { requestOf } from './request.ts'

let folder: string
let file: string
let knocks: Datagrams
let knocked: Uint8Array[]
let server: Server
/** Of the server, which does not listen yet. */
let port: number

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-proxy-'))
  file = join(folder, 'config')
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  ;({ port } = free.address() as AddressInfo)
  free.close()
  await once(free, 'close')
  server = createServer((socket) => socket.on('error', () => undefined).end('inside'))
  knocked = []
  knocks = createSocket('udp4').on('message', (message) => knocked.push(new Uint8Array(message)))
  knocks.bind(0, '127.0.0.1')
  await once(knocks, 'listening')
})
afterEach(() => {
  server.close()
  knocks.close()
  rmSync(folder, { recursive: true, force: true })
})

const config = (text: string, mode = 0o600): void => writeFileSync(file, text, { mode })

/** Lets the server listen once so many knocks have come. */
const openAfter = (count: number): void => {
  knocks.on('message', () => {
    if (knocked.length === count) server.listen(port, '127.0.0.1')
  })
}

/** Connects as the config says; what the server greets with, and what was told meanwhile. */
async function connected(
  host: string,
  verbose = false,
): Promise<{ readonly greeting: string; readonly told: string[] }> {
  const told: string[] = []
  const request = { host, port, configFile: file, passFd: false, verbose }
  const socket = await openConnection(request, (line) => told.push(line))
  const [greeting] = (await once(socket.resume(), 'data', { signal: AbortSignal.timeout(5_000) }).finally(() =>
    socket.destroy(),
  )) as [Buffer]
  return { greeting: greeting.toString(), told }
}

/** Runs `postern proxy …` that does not get as far as a connection. */
async function run(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const code = await runCommand(PROXY, argv, { out: (text) => (out += text), err: (text) => (err += text) })
  return { code, out, err }
}

const knockPort = (): number => knocks.address().port

describe('a host', () => {
  test('that is opened by a sequence', async () => {
    config(`[gate]\nHost = 127.0.0.1\nKnock = ${knockPort()}:udp,${knockPort()}:udp\n`)
    openAfter(2)
    expect(await connected('gate')).toEqual({ greeting: 'inside', told: [] })
    expect(knocked).toHaveLength(2)
  })

  test('that is opened by the single packet', async () => {
    const pair = keyPairOf(new Uint8Array(32).fill(1))
    const user = keyPairOf(new Uint8Array(32).fill(2))
    const key = join(folder, 'key')
    writeFileSync(key, `${formatKey('postern-user-secret', new Uint8Array(32).fill(2))}\n`, { mode: 0o600 })
    const keys = `Server_Key = ${formatKey('postern-server', pair.publicKey)}\nKey_File = ${key}`
    config(`[gate]\nHost = 127.0.0.1\nPort = ${knockPort()}\n${keys}\nDoor = ssh\n`, 0o644)
    openAfter(1)
    const { greeting, told } = await connected('gate', true)
    expect(greeting).toBe('inside')
    expect(told).toContain(`asked 127.0.0.1 (udp ${knockPort()}) for the door ssh, for 127.0.0.1`)
    const opened = openClaim(pair, knocked[0]!, (each) => Buffer.from(each).equals(user.publicKey) || undefined)
    expect(opened).toMatchObject({ claim: { wanted: { kind: 'door', door: 'ssh' } } })
  })

  test('that no section is for: no knock', async () => {
    config(`[gate]\nKnock = ${knockPort()}:udp\n[default]\nKnock = ${knockPort()}:udp\n`)
    server.listen(port, '127.0.0.1')
    expect(await connected('127.0.0.1')).toEqual({ greeting: 'inside', told: [] })
    expect(knocked).toEqual([])
  })

  test('that is open already: no knock where the config wants it looked at first, and one where not', async () => {
    server.listen(port, '127.0.0.1')
    const text = `[gate]\nHost = 127.0.0.1\nKnock = ${knockPort()}:udp\n`
    config(`${text}Try_First = yes\n`)
    expect((await connected('gate')).greeting).toBe('inside')
    expect(knocked).toHaveLength(0)
    config(`${text}Try_First = no\n`)
    expect((await connected('gate')).greeting).toBe('inside')
    expect(knocked).toHaveLength(1)
  })

  test('that opens at another round only', async () => {
    config(`[gate]\nHost = 127.0.0.1\nKnock = ${knockPort()}:udp\nWait = 200ms\nRetry = 2\n`)
    openAfter(3)
    expect(await connected('gate')).toEqual({ greeting: 'inside', told: [] })
    expect(knocked).toHaveLength(3)
  })
})

describe('what goes wrong is told', () => {
  test('the port stays shut', async () => {
    config(`[gate]\nHost = 127.0.0.1\nKnock = ${knockPort()}:udp\nWait = 200ms\nRetry = 1\n`)
    expect(await run('-c', file, 'gate', String(port))).toEqual({
      code: 1,
      out: '',
      err:
        `postern: tcp 127.0.0.1:${port} is not open 200ms after the last of 2 rounds of knocks: it refuses connections\n` +
        "  the daemon's log there says whether it accepted the knock\n",
    })
    expect(knocked).toHaveLength(2)
  })

  test.each<[string, string, string]>([
    ['[gate]\nKnock = 1,99999\n', 'gate', 'config:2:11: error: knock 2: '],
    ['[gate]\nTOTP_File = /nonexistent/totp\nHost = 127.0.0.1\n', 'gate', '/nonexistent/totp: no such file'],
    ['[gate]\nFrom = /nonexistent/list\nHost = 127.0.0.1\n', 'gate', '/nonexistent/list: no such file'],
    ['[gate]\nDoor = ssh\nHost = 127.0.0.1\n', 'gate', 'the public key of gate is not known'],
    ['', '127.0.0.1', 'cannot connect to tcp 127.0.0.1:'],
  ])('%j', async (text, host, message) => {
    config(text)
    const { code, out, err } = await run('-c', file, host, String(port))
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/^postern: /)
    expect(err).toContain(message)
    expect(err).not.toContain('99999')
    expect(knocked).toEqual([])
  })

  test('a config with knocks in it that others can read', async () => {
    config('[gate]\nKnock = 1,2\n', 0o644)
    expect((await run('-c', file, 'gate', '22')).err).toBe(
      `postern: ${file}: others than its owner can read or write it (mode 0644)\n  chmod 600 ${file}\n`,
    )
  })

  test.each<[readonly string[], string]>([
    [[], 'no host given'],
    [['gate'], 'no port given'],
    [['gate', '22', '23'], 'too many words'],
    [['gate', 'ssh'], 'not a port: ssh'],
    [['gate', '65536'], 'not a port: 65536'],
    [['gate', '0'], 'not a port: 0'],
    [['--fdpass', 'gate', '22'], "unknown option '--fdpass'"],
  ])('%j', async (argv, message) => {
    const { code, out, err } = await run(...argv)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^postern: [^\n]+\n {2}[^\n]+\n$/)
    expect(err).toContain(message)
  })
})

test('each way has what is to be knocked, and how often', () => {
  expect(requestOf('gate', 22, { totpFile: '/totp' }, false)).toMatchObject({
    host: 'gate',
    knockSource: { kind: 'totp', file: '/totp' },
    retry: 1,
    verify: 22,
    knocks: [],
  })
  expect(requestOf('gate', 22, { from: '/list', identities: ['/a'], retry: 7, host: 'other' }, false)).toMatchObject({
    host: 'other',
    knockSource: { kind: 'published', from: '/list', identities: ['/a'], passphraseFile: undefined },
    retry: 7,
  })
  expect(requestOf('gate', 22, { knocks: [] }, false)).toMatchObject({ knockSource: { kind: 'ports' }, retry: 0 })
})
