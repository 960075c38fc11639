// Goal: a list that the real age or the real gpg encrypted, fetched from a real web server, has its first sequence knocked
// and nothing else; what somebody used meanwhile gives way to the next; and no server can keep a client or fill it.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sample } from '../slow.ts'
import { knock, program } from './knockd.ts'
import { IS_ROOT, CLIENT_4, pair, SERVER_4, type Host } from './net.ts'
import { HAS_NGINX } from './nginx.ts'
import { run, type Output, type Process } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { sendKnocks, serveTcp, watchWire } from './service.ts'

/** First packets of connections to other ports than the web servers', and datagrams. */
const KNOCKS = 'udp or (tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn and not dst portrange 80-81)'
/** Ends what is watched: a port of no sequence. */
const LAST = 9
/** Milliseconds fetching may take, by the manual, and what a busy machine may add. */
const FETCH_LIMIT_MS = 10_000
const BUSY_MS = 20_000

const listOf = (...sequences: readonly string[]): string =>
  [
    '# Postern sequences, format 1',
    '# door: ssh',
    '# made: 2026-11-21T08:00:00Z',
    `# left: ${sequences.length}`,
    '# The first line below is the next sequence; each can be used once.',
    ...sequences,
    '',
  ].join('\n')

/**
 * A web server that does what a good one does not, one path each. `/moving` is used by somebody between two fetches: it is
 * another list the second time, and port 22 opens then.
 */
const SERVER = `
const { createServer } = require('node:net')
const { readFileSync } = require('node:fs')
const [folder] = process.argv.slice(1)
let moves = 0
require('node:http').createServer(({ url }, response) => {
  if (url === '/silent') return
  if (url === '/endless') {
    const more = () => { while (response.write(Buffer.alloc(65536))); response.once('drain', more) }
    return more()
  }
  if (url === '/elsewhere') return response.writeHead(302, { location: 'ftp://${SERVER_4}/stuck.age' }).end()
  if (url === '/around') return response.writeHead(302, { location: '/around' }).end()
  if (url === '/sent-on') return response.writeHead(307, { location: 'http://${SERVER_4}:80/hidden/list.age' }).end()
  if (url === '/moving') {
    if (++moves === 1) return response.end(readFileSync(folder + '/first.age'))
    return createServer().listen(22, '${SERVER_4}', () => response.end(readFileSync(folder + '/second.age')))
  }
  response.end(readFileSync(folder + url))
}).listen(81, '${SERVER_4}', () => console.log('ready'))
`

/** Folders of keys; their agents are stopped when the tests are done. */
const homes: string[] = []

/** A folder of keys of its own. */
const home = (): string => {
  const path = scratch('gnupg')
  mkdirSync(path, { mode: 0o700 })
  homes.push(path)
  return path
}

const gpg = async (GNUPGHOME: string, args: readonly string[], input = ''): Promise<string> => {
  const argv = ['gpg', '--batch', '--quiet', '--pinentry-mode', 'loopback', ...args]
  return (await run(argv, { env: { GNUPGHOME }, input })).stdout
}

const fileOf = (message: string): string => {
  const file = scratch('list.asc')
  writeFileSync(file, message)
  return file
}

describe.skipIf(!IS_ROOT || !HAS_NGINX)('a published list', () => {
  let server: Host
  let client: Host
  let folder: string
  let identity: string
  let recipient: string
  let wire: Process
  let silent: Process
  let silentTook: Promise<number>
  let stuck: Process
  const knockedByStuck: string[] = []

  /** Encrypts a list by age(1) into the folder that is served, and returns the file. */
  const publish = async (name: string, text: string, ...options: readonly string[]): Promise<string> => {
    const file = join(folder, name)
    await run(['age', ...options, '-r', recipient, '-o', file], { input: text })
    return file
  }

  /** What was knocked since the wire was forgotten, in order. */
  const knocked = async (): Promise<readonly string[]> => {
    await sendKnocks(client, SERVER_4, [`${LAST}:udp`])
    await wire.line(new RegExp(` > ${SERVER_4}\\.${LAST}: UDP`))
    return knocksIn(wire.lines).filter((one) => one !== `udp ${LAST}` && !isStuck(one))
  }

  /** Starts knock with what a path of the other web server gives. */
  const start = (path: string, ...options: readonly string[]): Process => {
    const from = ['--from', `http://${SERVER_4}:81/${path}`, '--identity', identity]
    return client.start([process.execPath, program('knock'), ...options, ...from, SERVER_4])
  }

  /** Runs knock, and gives its output and the ports that were knocked, in order. */
  const watched = async (
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Output & { readonly seen: readonly string[] }> => {
    wire.forget()
    const output = await knock(client, args, { env })
    return { ...output, seen: await knocked() }
  }

  beforeAll(async () => {
    ;({ server, client } = await pair())
    folder = scratch('served')
    mkdirSync(join(folder, 'hidden'), { recursive: true })
    identity = scratch('identity')
    await run(['age-keygen', '-o', identity])
    recipient = (await run(['age-keygen', '-y', identity])).stdout.trim()
    await publish('hidden/list.age', listOf('7431,8020:udp,9123', '1,2'), '-a')
    await publish('first.age', listOf('3001,3002', '3003,3004'))
    await publish('second.age', listOf('3003,3004'))
    await publish('stuck.age', listOf('4001:udp', '4002:udp'))
    const nginx = writeConfig(
      `daemon off; user root; pid ${scratch('nginx.pid')}; error_log stderr notice; events {}
http { access_log off; server { listen ${SERVER_4}:80; root ${folder}; } }`,
      'nginx.conf',
    )
    const web = server.start(['nginx', '-e', 'stderr', '-c', nginx])
    await web.line(/start worker process/)
    const other = server.start([process.execPath, '-e', SERVER, folder])
    await other.line(/^ready$/)
    // Not answered, so that a knock's socket has nothing to do with what the client thinks of the port.
    await server.run(['iptables', '-A', 'INPUT', '-p', 'tcp', '--dport', '1000:9999', '-j', 'DROP'])
    wire = await watchWire(server, KNOCKS)
    wire.each((line) => knockedByStuck.push(...knocksIn([line]).filter(isStuck)))
    // These wait for what does not come, while the tests go on.
    const begun = performance.now()
    stuck = start('stuck.age', '--verify', 'tcp/23')
    silent = start('silent')
    silentTook = silent.ended.then(() => performance.now() - begun)
  })

  test("another host's list, put in the place of this one's, has nothing knocked", async () => {
    const text = listOf('6001,6002')
    await publish('other.age', text.replace('# door: ssh', `# door: ssh\n# host: ${CLIENT_4}`))
    await publish('own.age', text.replace('# door: ssh', `# door: ssh\n# host: ${SERVER_4}`))
    const words = ['--identity', identity, SERVER_4]
    const refused = await watched(['--from', `http://${SERVER_4}/other.age`, ...words])
    expect(refused.stderr).toMatch(`knock: the list is for ${CLIENT_4}, not for ${SERVER_4}`)
    expect(refused.code).not.toBe(0)
    expect(refused.seen).toEqual([])
    expect((await watched(['--from', `http://${SERVER_4}/own.age`, ...words])).seen).toEqual(['tcp 6001', 'tcp 6002'])
  })

  test('over http, armored: the first of it is knocked, and its ports are not said', async () => {
    const from = `http://${SERVER_4}/hidden/list.age`
    const { code, stdout, stderr, seen } = await watched(['--from', from, '--identity', identity, SERVER_4])
    expect([code, stdout, stderr]).toEqual([0, '', ''])
    expect(seen).toEqual(['tcp 7431', 'udp 8020', 'tcp 9123'])
  })

  test('sent on to another server, with -v', async () => {
    const from = `http://${SERVER_4}:81/sent-on`
    const { stdout, seen } = await watched(['-v', '--from', from, '--identity', identity, SERVER_4])
    expect(stdout.split('\n').slice(0, 2)).toEqual(['the list has 2 sequences', `hitting tcp ${SERVER_4}:7431`])
    expect(seen).toEqual(['tcp 7431', 'udp 8020', 'tcp 9123'])
  })

  test('from a file, binary, and --verify once it is open', async () => {
    await serveTcp(server, 25)
    const file = await publish('file.age', listOf('5001'))
    const { code, seen } = await watched(['--from', file, '--identity', identity, '--verify', 'tcp/25', SERVER_4])
    expect(code).toBe(0)
    expect(seen).toEqual(['tcp 5001', 'tcp 25'])
  })

  test('without a key, with another, or shared: nothing leaves', async () => {
    const file = await publish('keys.age', listOf('5101'))
    const other = scratch('other-identity')
    await run(['age-keygen', '-o', other])
    const shared = scratch('shared-identity')
    await run(['cp', identity, shared])
    chmodSync(shared, 0o604)
    for (const [args, message] of [
      [[], 'the list is encrypted by age, and no key is given'],
      [['--identity', other], "the list cannot be decrypted: no identity matched any of the file's recipients"],
      [['--identity', shared], `${shared}: others than its owner can read or write it (mode 0604)`],
    ] as const) {
      const { code, stderr, seen } = await watched(['--from', file, ...args, SERVER_4])
      expect([code, stderr.split('\n')[0], seen]).toEqual([1, `knock: ${message}`, []])
    }
  })

  // fetch.test.ts has what is said of other servers.
  const bad = [
    ['endless', `the list at ${SERVER_4}:81 is too large`],
    ['elsewhere', `${SERVER_4}:81 redirects to ftp, which is not followed`],
    ['around', `cannot fetch the list from ${SERVER_4}:81: more than 3 redirects`],
  ] as const
  test.each(sample(bad, (_, index) => index === 0))('a server that is %s ends it', async (path, message) => {
    const from = `http://${SERVER_4}:81/${path}`
    const { code, stderr, seen } = await watched(['--from', from, '--identity', identity, SERVER_4])
    expect([code, stderr.split('\n')[0], seen]).toEqual([1, `knock: ${message}`, []])
  })

  test('none, none left, and no server', async () => {
    await publish('used.age', listOf('#1,2', '#3,4'))
    const failures = [
      [`http://${SERVER_4}/used.age`, 'the list has no sequence left'],
      [`http://${SERVER_4}/none.age`, `cannot fetch the list: ${SERVER_4} answers 404`],
      [`http://${CLIENT_4}/x`, `cannot fetch the list from ${CLIENT_4}: it refuses connections`],
    ] as const
    for (const [from, message] of sample(failures, (_, index) => index === 0)) {
      const { code, stderr } = await knock(client, ['--from', from, '--identity', identity, SERVER_4])
      expect([code, stderr.split('\n')[0]]).toEqual([1, `knock: ${message}`])
    }
  })

  // The silent server and the daemon that does not open are waited for since the first test.
  test('is fetched again while the port is not open, and a silent server is not waited for', async () => {
    wire.forget()
    const moving = start('moving', '-v', '--verify', 'tcp/22')

    // It was used meanwhile: the next one is knocked.
    expect(await moving.ended).toEqual({ code: 0, signal: null })
    expect(moving.lines).toEqual([
      'the list has 2 sequences',
      `hitting tcp ${SERVER_4}:3001`,
      `hitting tcp ${SERVER_4}:3002`,
      'the list has 1 sequence',
      `hitting tcp ${SERVER_4}:3003`,
      `hitting tcp ${SERVER_4}:3004`,
    ])
    // It was not taken: that is said, and it is knocked once more.
    expect(await stuck.ended).toEqual({ code: 1, signal: null })
    expect(stuck.lines).toEqual([
      'knock: the daemon did not accept the sequence, which is still the next of the list: knocking again',
      'knock: the daemon did not accept the next sequence of the list again',
      '  its log says why, or no newer list was published',
    ])
    expect(await silent.ended).toEqual({ code: 1, signal: null })
    expect(silent.lines).toEqual([`knock: cannot fetch the list from ${SERVER_4}:81: not done within 10 s`])
    expect(await silentTook).toBeLessThan(FETCH_LIMIT_MS + BUSY_MS)

    const seen = await knocked()
    expect(seen.filter((one) => one.startsWith('tcp 3'))).toEqual(['tcp 3001', 'tcp 3002', 'tcp 3003', 'tcp 3004'])
    expect(knockedByStuck.filter((one) => one.startsWith('udp'))).toEqual(['udp 4001', 'udp 4001'])
  })

  describe('by OpenPGP', () => {
    let mine: string
    let list: string
    /** A folder without keys. */
    let empty: string
    beforeAll(async () => {
      mine = home()
      empty = home()
      await gpg(mine, [
        '--passphrase',
        '',
        '--quick-gen-key',
        'knocker@example.org',
        'future-default',
        'default',
        'never',
      ])
      const encrypt = ['--armor', '--trust-model', 'always', '-r', 'knocker@example.org', '--encrypt']
      list = fileOf(await gpg(mine, encrypt, listOf('6001,6002:udp', '1,2')))
    })
    afterAll(async () => {
      for (const GNUPGHOME of homes) await run(['gpgconf', '--kill', 'all'], { env: { GNUPGHOME }, mayFail: true })
    })

    test('opens by the key in the keyring', async () => {
      const { code, stdout, stderr, seen } = await watched(['--from', list, SERVER_4], { GNUPGHOME: mine })
      expect([code, stdout, stderr]).toEqual([0, '', ''])
      expect(seen).toEqual(['tcp 6001', 'udp 6002'])
    })

    test('opens by a passphrase', async () => {
      const passphrase = writeConfig('correct horse\n', 'passphrase')
      const symmetric = await gpg(
        mine,
        ['--armor', '--s2k-count', '1024', '--passphrase-file', passphrase, '--symmetric'],
        listOf('6101'),
      )
      const from = fileOf(symmetric)
      const env = { GNUPGHOME: empty }
      expect((await watched(['--from', from, '--passphrase-file', passphrase, SERVER_4], env)).seen).toEqual([
        'tcp 6101',
      ])
      const wrong = writeConfig('wrong horse\n', 'passphrase')
      const { code, stderr } = await knock(client, ['--from', from, '--passphrase-file', wrong, SERVER_4], { env })
      expect(code).toBe(1)
      expect(stderr).toMatch(/^knock: gpg cannot decrypt the list: no passphrase, or a wrong one\n/)
    })

    test('without the key, without gpg, and only signed: nothing leaves', async () => {
      const args = ['--from', list, SERVER_4]
      const strange = await watched(args, { GNUPGHOME: empty })
      expect([strange.code, strange.stderr, strange.seen]).toEqual([
        1,
        'knock: gpg cannot decrypt the list: the keyring has no key for it\n',
        [],
      ])
      const none = ['env', 'PATH=/nonexistent', process.execPath, program('knock'), ...args]
      const { code, stderr } = await client.run(none, { mayFail: true })
      expect([code, stderr]).toEqual([
        1,
        'knock: the list is encrypted by OpenPGP, and there is no gpg here\n  it comes with GnuPG\n',
      ])
      const signed = fileOf(await gpg(mine, ['--armor', '--sign'], listOf('6201')))
      const readable = await watched(['--from', signed, SERVER_4], { GNUPGHOME: mine })
      expect([readable.code, readable.stderr, readable.seen]).toEqual([
        1,
        'knock: gpg cannot decrypt the list: it is damaged, or not encrypted\n',
        [],
      ])
    })
  })
})

/** What was knocked, in order, as `tcp 7431`. */
function knocksIn(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => {
    const [, port, rest = ''] = /^IP6? \S+ > \S+\.(\d+): (.*)$/.exec(line) ?? []
    return port === undefined ? [] : [`${rest.startsWith('UDP') ? 'udp' : 'tcp'} ${port}`]
  })
}

/** Tells if a knock is one of `/stuck.age`, or a look at the port that is to open for it. */
function isStuck(one: string): boolean {
  return /^(?:udp 400[12]|tcp 23)$/.test(one)
}
