// Goal: with a `User` no thread of the daemon is root's or has more than two capabilities when the first packet comes, and all
// that works as root works; what cannot is refused at the start or the reload, with the line and what to type; and whoever has
// taken over that user finds nothing that root reads, runs, follows or ends for them.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { socketPath, usersSocket } from '../../src/control/socket.ts'
import { LogFile } from '../../src/log/file.ts'
import { realDisk } from '../../src/state/disk.ts'
import { openStoreOn } from '../../src/state/store.ts'
import { formatKey } from '../../src/spa/noise/key-text.ts'
import { SLOW, sample } from '../slow.ts'
import { KNOCKS, check, isGuarded, looks, postern, removeGuard, statusOf } from './guarded.ts'
import { program } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import {
  ADMIN,
  NONE,
  TWO,
  USER,
  configure,
  journals,
  openFolder,
  places,
  share,
  start,
  threadsOf,
  words,
} from './privileged.ts'
import type { Places } from './privileged.ts'
import { runs, until } from './process.ts'
import type { Output, Process } from './process.ts'
import { scratch } from './scratch.ts'
import { probe, sendKnocks, serveTcp } from './service.ts'

const owner = (path: string): string => {
  const { uid, gid, mode } = lstatSync(path)
  return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`
}

/** A door by commands at its own port of knocks. */
const door = (name: string, first: number, lines: string): string =>
  `[${name}]\nSequence = ${first},${first + 111},${first + 57}\n${lines}\n`
const knocksAt = (first: number): readonly string[] => [first, first + 111, first + 57].map(String)

const as = (capabilities: string): readonly string[] => [
  'setpriv',
  `--reuid=${USER.uid}`,
  `--regid=${USER.gid}`,
  '--clear-groups',
  `--inh-caps=${capabilities}`,
  `--ambient-caps=${capabilities}`,
]

const SHOW = (to: string): string =>
  `sh -c 'id -u; grep -E "^Cap|^Groups|^NoNew" /proc/self/status; ls /proc/self/fd' > ${to}`
/** What {@link SHOW} has written, once its last line is there. */
const shownIn = async (file: string): Promise<string> => {
  await until('the command has run', () => existsSync(file) && /^3\n/m.test(readFileSync(file, 'utf8')))
  return readFileSync(file, 'utf8')
}

// The tests of one daemon, beside which those with hosts of their own run: each has a door of its own, and starts the daemon where another test has ended it.
lab('the daemon as its User', { concurrent: true }, () => {
  let server: Host
  let client: Host
  let at: Places
  let list: string
  let notes: string
  let doors: string
  let daemon: Process | undefined
  beforeAll(async () => {
    ;({ server, client } = await pair())
    for (const port of [22, 23, 24, 26]) await serveTcp(server, port)
    await server.run(['nft', 'add table ip t; add set ip t s { type ipv4_addr; }'])
    notes = openFolder('notes')
    chmodSync(notes, 0o777)
    const folder = openFolder('keys')
    chmodSync(folder, 0o750)
    chownSync(folder, 0, USER.gid)
    list = share(join(folder, 'list'), ' 7001,7002,7003\n 7011,7012,7013\n', 0o660)
    const users = share(join(folder, 'users'), 'alice 6001,6012,6003\n')
    const key = share(join(folder, 'key'), `${formatKey('postern-server-secret', new Uint8Array(32).fill(1))}\n`)
    const senders = share(join(folder, 'senders'), `${formatKey('postern-user', new Uint8Array(32).fill(9))} bob\n`)
    doors = [
      `[ssh]\nSequence = ${KNOCKS.join()}\nOpen_Ports = tcp/22\nOpen_For = 120s`,
      `[list]\nOne_Time_Sequences = ${list}\nOpen_Ports = tcp/26`,
      `[users]\nUsers = ${users}\nOpen_Ports = tcp/23`,
      `[spa]\nSPA = postern\nSPA_Users = ${senders}\nOpen_Ports = tcp/24`,
      '[made]\nOne_Time_Sequences = generate\nOpen_Ports = tcp/25',
      door('look', 8301, `Start_Command = ${SHOW(join(notes, 'shown'))}; nft add element ip t s "{ %IP% }"`),
    ].join('\n')
    at = places(`Control_Group = games\nSPA_Key_File = ${key}\nStart_Hook = id -u > ${join(notes, 'hook')}`, doors)
  })
  const started = async (): Promise<Process> => {
    if (daemon === undefined || daemon.exit !== undefined) daemon = await start(server, at)
    return daemon
  }
  afterAll(async () => void (await daemon?.stop()))

  test.sequential(
    'has two capabilities in every thread when it listens, opens, survives a kill, and is repaired',
    async () => {
      const process = await started()
      const threads = threadsOf(process.pid)
      expect(threads.length).toBeGreaterThan(4)
      for (const { CapAmb: _, ...thread } of threads) {
        expect(thread).toEqual({
          Uid: '1 1 1 1',
          Gid: '1 1 1 1',
          Groups: '1',
          CapInh: TWO,
          CapPrm: TWO,
          CapEff: TWO,
          CapBnd: TWO,
          NoNewPrivs: '1',
        })
      }
      // It has one for the moment in which it starts a program.
      await until('no program is started', () => threadsOf(process.pid)[0]!['CapAmb'] === NONE)
      const environment = readFileSync(`/proc/${process.pid}/environ`, 'utf8').split('\0')
      expect(environment.filter((each) => /^(?:LD_|NODE_)/.test(each))).toEqual([])
      expect(environment).toContain('LOGNAME=daemon')
      expect(await probe(client, SERVER_4, 22)).not.toBe('open')
      await sendKnocks(client, SERVER_4, KNOCKS)
      await looks(client, SERVER_4, 22, 'open')
      expect(threadsOf(process.pid).every(({ CapPrm }) => CapPrm === TWO)).toBe(true)

      const { users, roots } = journals(at)
      expect([owner(users), owner(dirname(users)), existsSync(roots)]).toEqual(['1:1 600', '1:1 700', false])
      // Another program flushes all rules.
      await removeGuard(server)
      await process.line(/another program took the guard out of the rules: it is back/)
      expect(await isGuarded(server)).toBe(true)
      process.kill('SIGKILL')
      await process.ended
      const again = await started()
      const openings = (await statusOf(server, at)).openings.filter((each) => each.door === 'ssh')
      expect(openings).toMatchObject([{ source: CLIENT_4 }])
      expect(await probe(client, SERVER_4, 22)).toBe('open')
      expect(again.count(/missing|damaged|lost/)).toBe(0)
      await postern(server, at, 'close', '--all')
    },
  )

  test.sequential(
    'lists, users and single packets of files that root shares with its group open, and are used up',
    async () => {
      const process = await started()
      expect(process.count(/opens to nobody|cannot/)).toBe(0)
      await sendKnocks(client, SERVER_4, ['7001', '7002', '7003'])
      await looks(client, SERVER_4, 26, 'open')
      expect(readFileSync(list, 'utf8')).toBe('#7001,7002,7003\n 7011,7012,7013\n')
      expect(owner(list)).toBe('0:1 660')
      await sendKnocks(client, SERVER_4, ['6001', '6012', '6003'])
      await looks(client, SERVER_4, 23, 'open')
      const counted = await postern(server, at, 'sequences', 'count', '-i', 'eth0')
      expect(counted.stdout).toMatch(/^list: 1 left, 1 used.*\nmade: \d+ left, 0 used\n$/)
      expect(await check(at.file)).toMatchObject({ code: 0, stdout: expect.not.stringMatching(/error/) })
    },
  )

  test.sequential('its commands run as the user with CAP_NET_ADMIN alone, and can change the firewall', async () => {
    const process = await started()
    await sendKnocks(client, SERVER_4, knocksAt(8301))
    const text = await shownIn(join(notes, 'shown'))
    expect(text).toMatch(/^1\n/)
    for (const each of ['CapPrm', 'CapEff', 'CapInh', 'CapAmb'])
      expect(text).toContain(`${each}:\t${each === 'CapInh' ? TWO : ADMIN}`)
    expect(text).toContain('NoNewPrivs:\t1')
    await until('the element', async () =>
      (await server.run(['nft', 'list', 'set', 'ip', 't', 's'])).stdout.includes(CLIENT_4),
    )
    expect(readFileSync(join(notes, 'hook'), 'utf8')).toBe('1\n')
    expect(process.count(/denied|not permitted/)).toBe(0)
  })

  test.sequential('root and Control_Group reach its socket, and nobody else does', async () => {
    await started()
    const socket = usersSocket(socketPath(at.file, ['eth0']))
    await until('the socket is there', () => existsSync(socket) && owner(socket) === '1:60 660')
    const status = async (uid: number, gid: number): Promise<Output> => {
      const who = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
      const argv = [process.execPath, program('postern'), 'status', '-c', at.file, '-i', 'eth0']
      return await server.run([...who, ...argv], { mayFail: true })
    }
    chmodSync(at.file, 0o644)
    expect((await status(5, 60)).stdout).toMatch(/\bssh\b/)
    expect(await status(5, 5)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/permission denied/),
    })
    expect((await statusOf(server, at)).doors.map(({ name }) => name)).toContain('ssh')
  })

  test.sequential(
    'a reload that would need root is refused with the line, and the old config stays in force',
    async () => {
      const process = await started()
      const before = readFileSync(at.file, 'utf8')
      const ssh = `[ssh]\nSequence = ${KNOCKS.join()}\nOpen_Ports = tcp/22\n`
      const secret = scratch('secret')
      writeFileSync(secret, 'alice 1,2,3\n', { mode: 0o600 })
      const same = 'User = daemon\nControl_Group = games\n'
      for (const [options, more, said] of [
        [
          same,
          ssh + door('roots', 6301, 'Start_Command = true\nCommands_As_Root = yes'),
          /:12:1: error: only root can do this: Commands_As_Root is set for door roots; /,
        ],
        ['Control_Group = games\n', ssh, /:1:1: error: `User` is another one than at the start; /],
        ['User = games\nControl_Group = games\n', ssh, /:3:1: error: `User` is another one than at the start; /],
        [
          'User = daemon\nControl_Group = daemon\n',
          ssh,
          /:4:1: error: `Control_Group` is another one than at the start; /,
        ],
        [
          `${same}LogFile = /var/log/nobodys.log\n`,
          ssh,
          /:5:1: error: cannot open the log file \/var\/log\/nobodys\.log: permission denied; /,
        ],
        [
          same,
          `${ssh}[users]\nUsers = ${secret}\nOpen_Ports = tcp/23\n`,
          new RegExp(`:10:1: error: user daemon cannot read ${secret}: permission denied; `),
        ],
      ] as const) {
        configure(at, options, more)
        const refused = process.count(/keeping the previous config/)
        process.kill('SIGHUP')
        await until('the refusal', () => process.count(/keeping the previous config/) > refused)
        expect(
          process.lines.some((line) => said.test(line)),
          `${said}\n${process.lines.slice(-5).join('\n')}`,
        ).toBe(true)
      }
      await sendKnocks(client, SERVER_4, KNOCKS)
      await looks(client, SERVER_4, 22, 'open')
      writeFileSync(at.file, `${before}${door('more', 6301, 'Open_Ports = tcp/23')}`)
      process.kill('SIGHUP')
      await until('the new door', async () => (await statusOf(server, at)).doors.some(({ name }) => name === 'more'))
      writeFileSync(at.file, before)
      process.kill('SIGHUP')
      await until('the old doors', async () => (await statusOf(server, at)).doors.every(({ name }) => name !== 'more'))
      await postern(server, at, 'close', '--all')
    },
  )

  test.sequential(
    'started as that user with the two capabilities it works the same, and with more it does not start',
    async () => {
      const socket = usersSocket(socketPath(at.file, ['eth0']))
      // Its socket's folder and the lock of the guard are there from then on, as root has made them.
      await (await started()).stop()
      expect(existsSync(socket)).toBe(false)
      const more = await server.run([...as('-all,+net_admin,+net_raw,+chown'), ...words(at.file)], { mayFail: true })
      expect([more.code, more.stderr]).toEqual([
        1,
        expect.stringMatching(/^knockd: thread \d+ has the capabilities 1, /),
      ])
      const running = server.start([...as('-all,+net_admin,+net_raw'), ...words(at.file)])
      await running.line(/listening on/)
      expect(threadsOf(running.pid).map(({ CapPrm }) => CapPrm)).toEqual(threadsOf(running.pid).map(() => TWO))
      await sendKnocks(client, SERVER_4, KNOCKS)
      await looks(client, SERVER_4, 22, 'open')
    },
  )
})

lab('a User', { concurrent: true }, () => {
  test('a file that it cannot read is an error before anything is hidden, and the command that is printed is right', async () => {
    const { server, client } = await pair()
    const folder = openFolder('keys')
    const users = join(folder, 'users')
    writeFileSync(users, 'alice 6001,6012,6003\n', { mode: 0o600 })
    const at = places('', `[users]\nUsers = ${users}\nOpen_Ports = tcp/22\n`)
    chmodSync(folder, 0o700)
    await serveTcp(server, 22)
    const cure = `chgrp daemon ${folder} && chmod g+x ${folder} && chown root:daemon ${users} && chmod 640 ${users}`
    const said = `${at.file}:6:1: error: user daemon cannot read ${users}: permission denied\n    ${cure}\n`
    const { code, stderr } = await server.run(words(at.file), { mayFail: true })
    expect([code, stderr]).toEqual([78, `knockd: ${said}`])
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    expect((await check(at.file)).stdout).toContain(`\n    ${cure}\n`)
    if (SLOW) {
      const doctor = ['doctor', '-c', at.file, '-i', 'eth0']
      const found = await server.run([process.execPath, program('postern'), ...doctor], { mayFail: true })
      expect(found.stdout).toContain(`\n    ${cure}\n`)
    }
    execFileSync('sh', ['-c', cure])
    await start(server, at)
    await sendKnocks(client, SERVER_4, ['6001', '6012', '6003'])
    await looks(client, SERVER_4, 22, 'open')
  })

  const refused = [
    ['User = nosuchuser', /:3:8: error: there is no user nosuchuser\n {4}useradd --system /],
    ['User = nobody', /:3:8: error: group nogroup of user nobody has other members/],
    ['User = root', /:3:8: error: `root` needs no directive\n/],
  ] as const
  test.each(sample(refused, ([line]) => line === 'User = nobody'))(
    '%s is refused with its place',
    async (line, said) => {
      const { server } = await pair()
      const at = places()
      configure(at, line, `[ssh]\nSequence = ${KNOCKS.join()}\nOpen_Ports = tcp/22`)
      const { code, stderr } = await server.run(words(at.file), { mayFail: true })
      expect([code, stderr]).toEqual([78, expect.stringMatching(said)])
    },
  )

  test('with commands that need root keeps the daemon root, which it says, and the others run as the user all the same', async () => {
    const { server, client } = await pair()
    const notes = openFolder('notes')
    chmodSync(notes, 0o777)
    const at = places(
      '',
      door('theirs', 7301, `Start_Command = ${SHOW(join(notes, 'theirs'))}`) +
        door('roots', 6301, `Start_Command = id -u > ${join(notes, 'roots')}\nCommands_As_Root = yes`),
    )
    const process = await start(server, at)
    expect(process.count(/stays root, not daemon: Commands_As_Root is set for door roots \(line \d+\)$/)).toBe(1)
    expect(threadsOf(process.pid)[0]!['Uid']).toBe('0 0 0 0')
    await sendKnocks(client, SERVER_4, knocksAt(7301))
    await sendKnocks(client, SERVER_4, knocksAt(6301))
    const theirs = await shownIn(join(notes, 'theirs'))
    await until('the other has run', () => existsSync(join(notes, 'roots')) && statSync(join(notes, 'roots')).size > 0)
    expect(readFileSync(join(notes, 'roots'), 'utf8')).toBe('0\n')
    expect(theirs).toMatch(/^1\n/)
    for (const each of ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(theirs).toContain(`${each}:\t${ADMIN}`)
  })
})

lab('files of the daemon', { concurrent: true }, () => {
  test("the pid file is root's, and is removed at the end, however that comes", async () => {
    const { server } = await pair()
    const at = places()
    const pidFile = join(at.folder, 'knockd.pid')
    const background = [...words(at.file).filter((word) => word !== '-v'), '-d', '-p', pidFile]
    for (const signal of sample(['SIGKILL', 'SIGTERM'] as const, (each) => each === 'SIGKILL')) {
      await server.run(background)
      expect(owner(pidFile)).toBe('0:0 644')
      const pid = Number(readFileSync(pidFile, 'utf8'))
      expect(threadsOf(pid).map(({ Uid }) => Uid)).toEqual(threadsOf(pid).map(() => '1 1 1 1'))
      if (signal === 'SIGKILL') {
        // A second daemon with the config leaves the first one's file alone.
        const { code, stderr } = await server.run(background, { mayFail: true })
        expect([code, stderr]).toEqual([1, expect.stringMatching(/already running with this config \(process \d+\)/)])
        expect(Number(readFileSync(pidFile, 'utf8'))).toBe(pid)
      }
      process.kill(pid, signal)
      await until('the end', () => !runs(pid) && !existsSync(pidFile))
    }
    // In a folder that its user can write, the user would choose whom root kills.
    chownSync(at.folder, USER.uid, USER.gid)
    const refused = await server.run([...background.slice(0, -1), join(at.folder, 'x.pid')], { mayFail: true })
    expect(refused.code).not.toBe(0)
  })

  test('the log file becomes its own, is reopened after a rotation, and a link there leads root nowhere', async () => {
    const { server, client } = await pair()
    const logs = openFolder('log')
    const log = join(logs, 'knockd.log')
    writeFileSync(log, 'before\n', { mode: 0o640 })
    const at = places(`LogFile = ${log}`)
    const process = await start(server, at)
    await until('it logs', () => /before\n.*starting up/.test(readFileSync(log, 'utf8')))
    expect(owner(log)).toBe('1:1 640')
    // As logrotate does with `create 0640 daemon adm`.
    renameSync(log, `${log}.1`)
    writeFileSync(log, '', { mode: 0o640 })
    chownSync(log, USER.uid, 4)
    process.kill('SIGHUP')
    await until('the new file', async () => {
      await sendKnocks(client, SERVER_4, ['7301'])
      return /Stage 1/.test(readFileSync(log, 'utf8'))
    })
    await process.stop()
    const precious = scratch('precious')
    writeFileSync(precious, 'x', { mode: 0o600 })
    rmSync(log)
    chownSync(logs, USER.uid, USER.gid)
    symlinkSync(precious, log)
    const { code } = await server.run(words(at.file), { mayFail: true })
    expect(code).toBe(1)
    expect([owner(precious), readFileSync(precious, 'utf8')]).toEqual(['0:0 600', 'x'])
    // Nor a daemon that is root's again, to which the folder is another user's. A pipe there does not hold it.
    const asRoot = new LogFile({ failed: () => undefined, lost: () => undefined })
    const isOpened = async (): Promise<void> => await asRoot.open(log, 'knockd')
    await expect(isOpened()).rejects.toThrow(/cannot open the log file .*: a link in a folder of another user/)
    rmSync(log)
    linkSync(precious, log)
    await expect(isOpened()).rejects.toThrow(/cannot open the log file .*: not a plain file with one name/)
    rmSync(log)
    execFileSync('mkfifo', ['-m', '666', log])
    await expect(isOpened()).rejects.toThrow(/cannot open the log file .*/)
    expect([owner(precious), readFileSync(precious, 'utf8')]).toEqual(['0:0 600', 'x'])
  })
})

const openFor = (notes: string): string =>
  door('timed', 7301, `Start_Command = true\nStop_Command = id -u >> ${notes}; true\nCmd_Timeout = 600`)

/** The words of a daemon that finds less than it left. */
const LOST = /missing|damaged|new one was created|cannot|error|counting from zero/

const killed = async (process: Process): Promise<void> => {
  process.kill('SIGKILL')
  await process.ended
}

/** Starts the daemon for a root with the few capabilities of a unit. */
const few = async (host: Host, { file }: Places): Promise<Process> => {
  const process = host.start([
    'setpriv',
    '--bounding-set=-all,+net_raw,+net_admin,+chown,+setuid,+setgid',
    ...words(file),
  ])
  await process.line(/listening on/)
  return process
}

lab('User switched on and off', { concurrent: true }, () => {
  test('takes the state along, with the right owners, and runs as root nothing that the user wrote', async () => {
    const { server, client } = await pair()
    const notes = join(openFolder('notes'), 'notes')
    writeFileSync(notes, '')
    chmodSync(notes, 0o666)
    chmodSync(dirname(notes), 0o777)
    const at = places()
    const doors = `${openFor(notes)}[made]\nOne_Time_Sequences = generate\nOpen_Ports = tcp/25\n`
    const openings = async (): Promise<number> => (await statusOf(server, at)).openings.length
    configure(at, '', doors)
    const process = await start(server, at)
    const { roots, users } = journals(at)
    await sendKnocks(client, SERVER_4, knocksAt(7301))
    await until('it is open', async () => (await openings()) === 1)
    await killed(process)
    expect(owner(roots)).toBe('0:0 600')

    configure(at, 'User = daemon', doors)
    const asUser = await start(server, at)
    expect(asUser.count(LOST)).toBe(0)
    expect(await openings()).toBe(1)
    expect(readdirSync(at.stateDir)).toEqual([basename(dirname(users))])
    const names = readdirSync(dirname(users))
    expect(names.filter((name) => /\.(journal|key|lists|mark|lock)$/.test(name)).length).toBe(5)
    for (const name of names) expect(owner(join(dirname(users), name))).toMatch(/^1:1 [67]00$/)
    await killed(asUser)

    // Whoever has taken over the user writes commands, and links.
    const { store } = await openStoreOn(realDisk, users)
    const [opening] = [...store.openings.values()]
    const stop = `id -u >> ${notes}; echo forged >> ${notes}`
    await store.opened({ ...opening!, id: 'forged', source: '192.0.2.99', stop, as: '0:0' })
    // What changes users for a command is root until then: a dynamic linker that obeys the record would run code as root.
    const loads = { ...opening!.environment, LD_DEBUG: 'files', LD_DEBUG_OUTPUT: `${notes}.linker` }
    await store.opened({ ...opening!, id: 'loads', source: '192.0.2.98', stop: 'true', environment: loads })
    await store.close()
    for (const name of readdirSync(dirname(users))) chownSync(join(dirname(users), name), 1, 1)
    const precious = scratch('precious')
    writeFileSync(precious, 'secret', { mode: 0o600 })
    symlinkSync(precious, join(dirname(users), `${basename(roots)}.evil`))
    linkSync(precious, join(dirname(users), `${basename(roots)}.hard`))
    // These are the names of another daemon's journal, of the folder itself, and of the one for passing it on.
    for (const name of [
      'other.conf-01234567.journal',
      basename(dirname(users)),
      basename(roots, 'journal') + 'taken',
    ]) {
      writeFileSync(join(dirname(users), name), 'evil')
      chownSync(join(dirname(users), name), USER.uid, USER.gid)
    }
    configure(at, '', doors)
    const asRoot = await start(server, at)
    expect(asRoot.count(LOST)).toBe(0)
    expect(await openings()).toBe(3)
    expect([owner(roots), existsSync(users)]).toEqual(['0:0 600', false])
    for (const name of readdirSync(at.stateDir).filter((each) => !each.endsWith('.user'))) {
      expect([name, owner(join(at.stateDir, name))]).toEqual([name, expect.stringMatching(/^0:0 [67]00$/)])
    }
    expect(readdirSync(at.stateDir).filter((name) => /evil|hard|other/.test(name))).toEqual([])
    expect(owner(precious)).toBe('0:0 600')
    await asRoot.stop()
    expect(readFileSync(notes, 'utf8').split('\n').filter(Boolean).toSorted()).toEqual(['1', '1', 'forged'])
    expect(readdirSync(dirname(notes)).filter((name) => name.includes('linker'))).toEqual([])
  })

  test('works for a root with the few capabilities of a unit, and the counts go on; lists are given away, also after a start that was interrupted', async () => {
    const { server, client } = await pair()
    const at = places()
    // Without SLOW the change that has root take what a user had.
    const rounds = SLOW ? ['User = daemon', '', 'User = daemon', ''] : ['User = daemon', '']
    const exporters = scratch('exporters')
    mkdirSync(exporters)
    chownSync(exporters, 5, 60)
    const metrics = join(exporters, 'postern.prom')
    for (const [index, user] of rounds.entries()) {
      configure(
        at,
        user,
        `[ssh]\nSequence = ${KNOCKS.join()}\nOpen_Ports = tcp/22\n[made]\nOne_Time_Sequences = generate\nOpen_Ports = tcp/25`,
      )
      const running = await few(server, at)
      await sendKnocks(client, SERVER_4, KNOCKS)
      await running.line(/OPEN SESAME/)
      expect(running.count(/missing|damaged|cannot|error|counting from zero/)).toBe(0)
      const { users, roots } = journals(at)
      const [there, gone] = user === '' ? [roots, users] : [users, roots]
      expect([owner(there), existsSync(gone)]).toEqual([user === '' ? '0:0 600' : '1:1 600', false])
      expect((await statusOf(server, at)).totals).toMatchObject({
        all: { openings: { ssh: index + 1 } },
        start: { openings: { ssh: 1 } },
      })
      if (index + 1 < rounds.length) {
        await running.stop()
        continue
      }
      // The rights of postern-metrics.service.
      const timer = ['setpriv', '--no-new-privs', '--bounding-set=-all,+dac_override']
      const argv = ['status', '--openmetrics', '--to', metrics, '-c', at.file, '-i', 'eth0']
      await server.run([...timer, process.execPath, program('postern'), ...argv])
      expect(readFileSync(metrics, 'utf8')).toContain(`postern_openings_total{door="ssh"} ${index + 1}\n`)
      await running.stop()
    }

    // What was root's is the user's again.
    const doors = '[made]\nOne_Time_Sequences = generate\nOpen_Ports = tcp/25'
    const { roots, users } = journals(at)
    const [ofRoot, ofUser] = [roots, users].map((journal) => journal.replace(/journal$/, 'lists')) as [string, string]
    const [list] = readdirSync(ofRoot)
    const text = readFileSync(join(ofRoot, list!), 'utf8')
    configure(at, 'User = daemon', doors)
    const isGiven = async (): Promise<void> => {
      const process = await few(server, at)
      expect(process.count(/missing|damaged|cannot|error/)).toBe(0)
      expect([owner(ofUser), owner(join(ofUser, list!)), existsSync(ofRoot)]).toEqual(['1:1 700', '1:1 600', false])
      expect(readFileSync(join(ofUser, list!), 'utf8')).toBe(text)
      await process.stop()
    }
    await isGiven()
    const interrupted = (...ofRoots: readonly string[]): void => {
      renameSync(`${users}.lock`, `${roots}.lock`)
      for (const path of [`${roots}.lock`, dirname(users), ...ofRoots]) chownSync(path, 0, 0)
    }
    // It was moved, and not given away yet.
    interrupted(ofUser, join(ofUser, list!))
    await isGiven()
    // Earlier versions gave it away, and could not move it then.
    interrupted()
    renameSync(ofUser, ofRoot)
    // The user could use it meanwhile.
    const precious = scratch('precious')
    writeFileSync(precious, 'secret', { mode: 0o600 })
    linkSync(precious, join(ofRoot, 'hard'))
    await isGiven()
    expect(owner(precious)).toBe('0:0 600')
  })

  test("a folder of the user in place of root's is refused", async () => {
    const { server } = await pair()
    const at = places()
    const elsewhere = openFolder('elsewhere')
    chownSync(elsewhere, USER.uid, USER.gid)
    symlinkSync(elsewhere, at.stateDir)
    const { code, stderr } = await server.run(words(at.file), { mayFail: true })
    expect([code, stderr]).toEqual([1, expect.stringMatching(/belongs to another user/)])
    expect(readdirSync(elsewhere)).toEqual([])
    if (!SLOW) return
    // In a folder like /tmp others could have made what root gives away.
    rmSync(at.stateDir)
    mkdirSync(at.stateDir)
    chmodSync(at.stateDir, 0o1777)
    const shared = await server.run(words(at.file), { mayFail: true })
    expect([shared.code, shared.stderr]).toEqual([1, expect.stringMatching(/others can write its folder/)])
    expect(readdirSync(at.stateDir)).toEqual([])
  })
})
