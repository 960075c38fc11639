// Goal: what is beside the daemon works as before where it runs as its User: rehearsals, the base ruleset, the kernel's
// table of connections, a full disk; and nothing that a user writes there keeps root from starting, or reaches its terminal.
import { createServer } from 'node:net'
import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask } from '../../src/control/client.ts'
import { sample, slowly } from '../slow.ts'
import { confirmed } from './base-rules.ts'
import { nft, nftRules } from './firewall.ts'
import { KNOCKS, looks, postern, statusOf } from './guarded.ts'
import { MODULES, program } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { USER, configure, journals, openFolder, places, start, threadsOf, words } from './privileged.ts'
import type { Places } from './privileged.ts'
import { run, until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'
import { probe, sendKnocks, serveTcp, session } from './service.ts'

const SSH = `[ssh]\nSequence = ${KNOCKS.join()}\nOpen_Ports = tcp/22\nOpen_For = 120s\n`

const facts = (text: string): readonly string[] =>
  text
    .split('\n')
    .flatMap(
      (line) =>
        /(tcp|udp).*?(ESTABLISHED)? ?src=\S+ dst=\S+ (sport=\d+) (dport=2222) .*?src=/.exec(line)?.slice(1) ?? [],
    )

lab('beside the daemon as its User', { concurrent: true }, () => {
  test('a rehearsal runs commands as the user, and finds that one may not do what it does', async () => {
    const { server } = await pair()
    // What is rehearsed over one family takes half the time.
    await server.sysctl('net.ipv6.conf.all.disable_ipv6', 1)
    await nft(server, 'add table ip t; add set ip t s { type ipv4_addr; }')
    const commands = `Start_Command = nft add element ip t s { %IP% }
Stop_Command = nft delete element ip t s { %IP% }
Start_Command_6 =
[files]
Sequence = 5301,6822,8413
Start_Command = touch /etc/mine
Start_Command_6 =
`
    const at = places('', `${SSH}${commands}`)
    const argv = [process.execPath, program('postern'), 'rehearse', '-c', at.file, '-i', 'eth0']
    const { stdout } = await server.run(argv, { mayFail: true, limitMs: 200_000 })
    expect(stdout).toMatch(/error: files \(IPv4\): the start command fails .*: touch: .*Permission denied/)
    expect(stdout.match(/error: /g)).toHaveLength(1)
    expect(stdout).toMatch(/opens after the knock +yes/)
  })

  test('the kernel tells the daemon of the connections that only root can read in its list', async () => {
    const { server, client } = await pair()
    await serveTcp(server, 2222)
    await nft(server, 'add table inet t; add chain inet t i { type filter hook input priority 0; }')
    await nft(server, 'add rule inet t i ct state established accept')
    await session(client, SERVER_4, 2222)
    await session(client, '2001:db8::1', 2222)
    const script = `const { trackedLines } = await import('${join(MODULES, 'host/conntrack.js')}')
      process.stdout.write(await trackedLines((port) => port === 2222))`
    const two = '-all,+net_admin,+net_raw'
    const who = ['setpriv', '--reuid=1', '--regid=1', '--clear-groups', `--inh-caps=${two}`, `--ambient-caps=${two}`]
    const { stdout } = await server.run([...who, process.execPath, '--input-type=module', '-e', script])
    const file = await server.run(['cat', '/proc/net/nf_conntrack'], { mayFail: true })
    expect(stdout.match(/ESTABLISHED src=/g)).toHaveLength(2)
    if (file.code === 0) expect(facts(stdout).toSorted()).toEqual(facts(file.stdout).toSorted())
  })

  // full-disk.test.ts has a daemon of root's.
  slowly('a full disk keeps doors shut until there is room again', async ({ onTestFinished }) => {
    const { server, client } = await pair()
    const disk = openFolder('disk')
    await run(['mount', '-t', 'tmpfs', '-o', 'size=65536,mode=0755', 'tmpfs', disk])
    onTestFinished(async () => void (await run(['umount', '-l', disk])))
    const list = join(openFolder('lists'), 'list')
    writeFileSync(list, ' 7001,7002,7003\n 7011,7012,7013\n')
    chownSync(list, 0, USER.gid)
    chmodSync(list, 0o660)
    const notes = join(openFolder('notes'), 'notes')
    writeFileSync(notes, '', { mode: 0o666 })
    chmodSync(notes, 0o666)
    const at = { ...places(), stateDir: join(disk, 'state') }
    const commands = `Start_Command = echo %IP% >> ${notes}\nStop_Command = true\nCmd_Timeout = 600\n`
    configure(at, 'User = daemon', `[once]\nOne_Time_Sequences = ${list}\n${commands}`)
    const running = await start(server, at)
    expect(statSync(journals(at).users).uid).toBe(1)
    const ran = (): readonly string[] => readFileSync(notes, 'utf8').split('\n').filter(Boolean)
    const open = async (source: string): Promise<number | null> =>
      (await postern(server, at, 'open', 'once', '--source', source)).code
    const filler = join(disk, 'filler')
    await run(['dd', 'if=/dev/zero', `of=${filler}`, 'bs=4096'], { mayFail: true })
    // What is left of the journal's last page is used up first.
    const opened: string[] = []
    for (let host = 1; host < 255; host++) {
      const source = `198.51.100.${host}`
      if ((await open(source)) !== 0) break
      opened.push(source)
    }
    expect(opened.length).toBeLessThan(254)
    await sendKnocks(client, SERVER_4, ['7001', '7002', '7003'])
    await running.line(/^192\.0\.2\.2: once: .*(?:ENOSPC|no space)/)
    rmSync(filler)
    await until('there is room again', async () => (await open('192.0.2.99')) === 0)
    await until('all have run', () => ran().length >= opened.length + 1)
    expect(ran().toSorted()).toEqual([...opened, '192.0.2.99'].toSorted())
    expect(running.count(/192\.0\.2\.2: once: OPEN SESAME/)).toBe(0)
  })
})

lab('a user that was taken over', { concurrent: true }, () => {
  const damaged: readonly (readonly [string, Buffer])[] = [
    ['of a later version', Buffer.from('00000000 0 0 {"format":"postern journal","version":99}\n')],
    ['of noise', Buffer.alloc(10_000, 0xfe)],
    ['that is empty', Buffer.alloc(0)],
  ]
  test.each(sample(damaged, ([name]) => name === 'of noise'))(
    'keeps root from starting by no journal %s',
    async (_, bytes) => {
      const { server, client } = await pair()
      await serveTcp(server, 22)
      const at = places('', SSH)
      await (await start(server, at)).stop()
      const { users, roots } = journals(at)
      writeFileSync(users, bytes)
      // Nor by pipes, folders and very many files.
      await run(['mkfifo', join(dirname(users), 'pipe.journal')])
      mkdirSync(join(dirname(users), 'folder.key'))
      chownSync(join(dirname(users), 'folder.key'), 1, 1)
      configure(at, '', SSH)
      const running = await start(server, at)
      expect(statSync(roots)).toMatchObject({ uid: 0, gid: 0 })
      expect(running.lines.some((line) => /missing|damaged|unreadable|cannot be read|earlier one/.test(line))).toBe(
        true,
      )
      expect(readdirSync(at.stateDir).filter((name) => /pipe|folder/.test(name))).toEqual([])
      await sendKnocks(client, SERVER_4, KNOCKS)
      await looks(client, SERVER_4, 22, 'open')
    },
  )

  test('reaches the terminal of root with plain text alone', async () => {
    const path = scratch('socket')
    const text = 'a\u001B]0;title\u0007\u009Bb\u202Ec\nd'
    const fake = createServer((client) => client.end(`${JSON.stringify({ error: text })}\n`))
    await new Promise<void>((resolve) => fake.listen(path, resolve))
    const reply = await ask(path, { command: 'status' })
    fake.close()
    expect(reply).toEqual({ error: 'a<U+001B>]0;title<U+0007><U+009B>b<U+202E>c\nd' })
  })
})

// The tests of one daemon, beside which the others run.
lab('the daemon as its User', { concurrent: true }, () => {
  let server: Host
  let client: Host
  let at: Places
  let daemon: Process
  beforeAll(async () => {
    ;({ server, client } = await pair())
    for (const port of [22, 80]) await serveTcp(server, port)
    at = places('', SSH)
    daemon = await start(server, at)
  })
  afterAll(async () => void (await daemon.stop()))

  test.sequential(
    'a confirmed base ruleset is put back, also one that was confirmed while the daemon ran',
    async () => {
      await confirmed({ server, client }, at.file, 80, '--allow', 'tcp/80')
      const before = await nftRules(server)
      await nft(server, 'delete table inet postern_base')
      await daemon.line(/^another program removed the base ruleset: restored as confirmed/)
      expect(await nftRules(server)).toBe(before)
      expect(threadsOf(daemon.pid)[0]!['Uid']).toBe('1 1 1 1')
    },
  )

  test.sequential(
    'a user that was taken over cannot trace the daemon with the rights of a command, nor take its descriptors',
    async () => {
      const inner = `const fs = require('fs'); const pid = ${daemon.pid}; for (const name of ['environ', 'mem', 'maps']) {
      try { fs.readFileSync('/proc/' + pid + '/' + name); console.log(name) } catch (error) { console.log(error.code) } }
      try { fs.readlinkSync('/proc/' + pid + '/fd/1'); console.log('fd') } catch (error) { console.log(error.code) }`
      const admin = '-all,+net_admin'
      const who = [
        'setpriv',
        '--reuid=1',
        '--regid=1',
        '--clear-groups',
        `--inh-caps=${admin}`,
        `--ambient-caps=${admin}`,
      ]
      const { stdout } = await server.run([...who, process.execPath, '-e', inner])
      expect(stdout).toBe('EACCES\nEACCES\nEACCES\nEACCES\n')
    },
  )

  test.sequential('a second start is refused, as the user and as root', async () => {
    const second = await server.run(words(at.file), { mayFail: true })
    expect([second.code, second.stderr]).toEqual([1, expect.stringMatching(/^knockd: knockd is already running/)])
    // As root it is refused, too, and leaves the running one's state alone.
    configure(at, '', SSH)
    const third = await server.run(words(at.file), { mayFail: true })
    expect([third.code, third.stderr]).toEqual([1, expect.stringMatching(/^knockd: knockd is already running/)])
    configure(at, 'User = daemon', SSH)
    await sendKnocks(client, SERVER_4, KNOCKS)
    await looks(client, SERVER_4, 22, 'open')
    expect((await statusOf(server, at)).openings).toMatchObject([{ door: 'ssh', source: CLIENT_4 }])
    expect(await probe(client, SERVER_4, 22)).toBe('open')
  })
})
