// Goal: a user who is added opens the door with what was shown, at once; one who is removed or disabled no longer does, and what
// they had open is closed before the command ends; whatever is done at the same time, or killed, no line is lost.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { SLOW, sample } from '../slow.ts'
import { parseUsers } from '../../src/config/users.ts'
import { formatKey } from '../../src/spa/noise/key-text.ts'
import { codeOf, periodAt } from '../../src/totp/code.ts'
import { knocksOfCode } from '../../src/totp/ports.ts'
import { readSecret } from '../../src/totp/secret-text.ts'
import { asked, statusOf } from './guarded.ts'
import { knock, program, startKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import { SharedDaemon } from './one-daemon.ts'
import type { Output } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { probe, sendKnocks, serveTcp } from './service.ts'
import { rested } from './single-packets.ts'

const SERVER_SECRET = new Uint8Array(32).fill(11)
/** Kills of a command, at moments that are spread over the time that it takes. */
const KILLS = SLOW ? 24 : 3

const shared = new SharedDaemon()

/** The program, as people start it. */
const user = async (host: Host, { file }: Pick<Knockd, 'file'>, ...args: readonly string[]): Promise<Output> =>
  await host.run([process.execPath, program('postern'), 'user', ...args, '-c', file], { mayFail: true })

/** The same in this process. */
const userHere = async ({ file }: Pick<Knockd, 'file'>, ...args: readonly string[]): Promise<Output> =>
  await asked(['user', ...args, '-c', file])

/** The ports of the code of this period, or of a neighbour, for the URI that was shown. */
const codePorts = (stdout: string, periods = 0): readonly string[] => {
  const read = readSecret(/otpauth:\S+/.exec(stdout)![0])
  if (!('value' in read)) throw new Error(read.message)
  const { value } = read
  return knocksOfCode(codeOf(value, periodAt(value, Date.now()) + periods)).map(({ port }) => String(port))
}

const opensOf = async (server: Host, daemon: Knockd): Promise<readonly unknown[]> =>
  (await statusOf(server, daemon)).openings.map(({ door, source, user: who }) => [door, source, who])

lab('postern user', () => {
  test('codes and sequences: added, opened, removed while open, disabled, enabled', async () => {
    const users = join(scratch('made'), 'users')
    const config = `[ssh]\nUsers = ${users}\nOpen_Ports = tcp/22\nOpen_For = 10m\nSeq_Timeout = 60\n`
    const { server, client, daemon } = await shared.with(config)
    const { process: running } = daemon
    const service = await serveTcp(server, 22)

    // The file and its folder are not there yet.
    const alice = await user(server, daemon, 'add', 'alice', '--door', 'ssh', '--period', '3600')
    expect([alice.code, alice.stderr]).toEqual([0, ''])
    expect(alice.stdout).toContain('knockd has taken the change\n')
    await sendKnocks(client, SERVER_4, codePorts(alice.stdout))
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (alice)`)
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    const listed = JSON.parse((await userHere(daemon, 'list', '--json')).stdout) as { users: unknown[] }
    expect(listed.users).toMatchObject([
      { name: 'alice', kind: 'totp', doors: ['ssh'], inForce: true, open: [{ source: CLIENT_4 }] },
    ])
    expect(JSON.stringify(listed)).toMatch(/"lastUsed":"20/)

    const gone = await user(server, daemon, 'remove', 'alice')
    expect([gone.code, gone.stderr]).toEqual([0, ''])
    expect(gone.stdout).toBe(`alice is removed and can no longer open ssh by codes: ${users}:1
knockd has taken the change
closed: ssh for ${CLIENT_4} (tcp/22)
`)
    // It was closed before the command ended.
    expect(await probe(client, SERVER_4, 22)).not.toBe('open')
    expect(await opensOf(server, daemon)).toEqual([])
    expect(await running.line(/revoked/)).toBe('ssh: access of alice revoked')
    await sendKnocks(client, SERVER_4, codePorts(alice.stdout, 1))

    // A sequence, with the line that was shown.
    const bob = await userHere(daemon, 'add', 'bob', '--sequence', '--door', 'ssh')
    expect(bob.code).toBe(0)
    const [, ports = ''] = /^ {4}knock \S+ (.*)$/m.exec(bob.stdout) ?? []
    expect((await knock(client, [SERVER_4, ...ports.split(' ')])).code).toBe(0)
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (bob)`)
    expect((await userHere(daemon, 'disable', 'bob')).stdout).toContain(`closed: ssh for ${CLIENT_4} (tcp/22)\n`)
    expect(await probe(client, SERVER_4, 22)).not.toBe('open')
    await sendKnocks(client, SERVER_4, ports.split(' '))
    expect((await userHere(daemon, 'list')).stdout).toMatch(/^bob +ssh +sequence +disabled +- +-$/m)
    expect((await userHere(daemon, 'enable', 'bob')).code).toBe(0)
    await sendKnocks(client, SERVER_4, ports.split(' '))
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (bob)`)
    // Those of alice and the disabled bob opened nothing.
    expect(running.count(/OPEN/)).toBe(3)

    // A code that was used before the line was disabled opens nothing after it is enabled.
    const carol = await userHere(daemon, 'add', 'carol', '--door', 'ssh', '--period', '3600')
    await sendKnocks(client, SERVER_4, codePorts(carol.stdout))
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (carol)`)
    for (const action of ['disable', 'enable']) expect((await userHere(daemon, action, 'carol')).code).toBe(0)
    await sendKnocks(client, SERVER_4, codePorts(carol.stdout))
    await sendKnocks(client, SERVER_4, codePorts(carol.stdout, 1))
    await running.line(/OPEN SESAME \(carol\)/)
    expect(running.count(/OPEN SESAME \(carol\)/)).toBe(2)
    await service.stop()
  })

  test('a key: what is shown goes into the client’s files, and opens the door', async () => {
    const { client } = await shared.network()
    client.etc('hosts', `${SERVER_4} gate.test\n`)
    const key = writeConfig(`${formatKey('postern-server-secret', SERVER_SECRET)}\n`, 'server.key')
    const users = writeConfig('', 'users')
    const config = `[options]\nSPA_Key_File = ${key}\n[ssh]\nSPA = postern\nSPA_Users = ${users}\nOpen_Ports = tcp/22\nOpen_For = 10m\n`
    const { server, daemon } = await shared.with(config)
    const { process: running } = daemon
    const service = await serveTcp(server, 22)
    const added = await userHere(daemon, 'add', 'alice, laptop', '--spa', '--issuer', 'gate.test')
    expect([added.code, added.stderr]).toEqual([0, ''])
    const home = scratch('home')
    const folder = join(home, '.config/postern')
    mkdirSync(folder, { recursive: true })
    const [secret = ''] = /postern-user-secret:\S+/.exec(added.stdout) ?? []
    writeFileSync(join(folder, 'key'), `${secret}\n`, { mode: 0o600 })
    const section = added.stdout.slice(added.stdout.indexOf('    [gate.test]')).split('\n\n')[0]!
    writeFileSync(join(folder, 'config'), section.replaceAll(/^ {4}/gm, ''), { mode: 0o600 })
    await rested()
    expect(await knock(client, ['--spa', '-4', 'gate.test'], { env: { HOME: home } })).toMatchObject({ code: 0 })
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (alice, laptop)`)
    const gone = await userHere(daemon, 'remove', 'alice, laptop')
    expect([gone.code, gone.stderr]).toEqual([0, ''])
    expect(gone.stdout).toContain(`closed: ssh for ${CLIENT_4} (tcp/22)\n`)
    expect(await probe(client, SERVER_4, 22)).not.toBe('open')
    await service.stop()
  })

  test('a daemon with another config in force, and none, are told', async () => {
    const users = writeConfig('alice 7431,8020\n', 'users')
    const { daemon } = await shared.with('[ssh]\nSequence = 21741,9386,40127\nOpen_Ports = tcp/22\n')
    const { process: running } = daemon
    writeFileSync(daemon.file, readFileSync(daemon.file, 'utf8').replace('Sequence', `Users = ${users}\nSequence`))
    const added = await userHere(daemon, 'add', 'bob', '--sequence')
    expect(added.code).toBe(4)
    expect(added.stderr).toContain('ssh: ssh has no users by name: reload knockd if its config has changed')
    running.kill('SIGHUP')
    await running.line(/re-opening|re-reading/i)
    await until('bob is removed', async () => (await userHere(daemon, 'remove', 'bob')).code !== 4)
    await running.stop()
    expect((await userHere(daemon, 'add', 'dan', '--sequence')).stdout).toContain('knockd is not running with')
  })

  // Those that follow have a network and a daemon of their own, and one of them waits long.
  test.concurrent(
    'a stop command that takes long is waited for; of two daemons each is asked, and one that hangs prevents nothing',
    async () => {
      const { server, client } = await pair()
      const users = writeConfig('carol 7532,8121\nalice 7431,8020\nbob 6512,9001\n', 'users')
      const note = scratch('note')
      const config = `[ssh]\nUsers = ${users}\nStart_Command = true\nStop_Command = sleep 1; echo %IP% >> ${note}\nCmd_Timeout = 600\n`
      const daemon = await startKnockd({ host: server, config })
      const { process: running } = daemon
      await sendKnocks(client, SERVER_4, ['7532', '8121'])
      await running.line(/OPEN SESAME \(carol\)/)
      const { code, stdout } = await userHere(daemon, 'remove', 'carol')
      expect([code, stdout]).toEqual([0, expect.stringContaining(`closed: ssh for ${CLIENT_4} (commands)\n`)])
      expect(readFileSync(note, 'utf8')).toBe(`${CLIENT_4}\n`)

      const other = server.start([process.execPath, program('knockd'), '-v', '-c', daemon.file, '-i', 'lo'])
      await other.line(/listening on/)
      await sendKnocks(client, SERVER_4, ['7431', '8020'])
      await running.line(/OPEN SESAME \(alice\)/)
      await until('both can be asked', async () => (await userHere(daemon, 'list')).code === 0)
      other.kill('SIGSTOP')
      const hindered = await userHere(daemon, 'remove', 'alice')
      other.kill('SIGCONT')
      expect([hindered.code, readFileSync(users, 'utf8')]).toEqual([4, 'bob 6512,9001\n'])
      expect(hindered.stderr).toContain('ssh: knockd does not answer: look at its log')
      await running.line(/ssh: access of alice revoked/)
      const gone = await userHere(daemon, 'remove', 'bob')
      expect([gone.code, gone.stderr]).toEqual([0, ''])
      for (const each of [running, other]) await each.line(/ssh: access of bob revoked/)
      await Promise.all([running.stop(), other.stop()])
    },
  )

  test.concurrent('nobody but root learns or changes anything', async () => {
    const { server } = await pair()
    const users = writeConfig('alice 7431,8020\n', 'users')
    const config = writeConfig(`[ssh]\nUsers = ${users}\nOpen_Ports = tcp/22\n`)
    for (const action of sample(['add', 'remove', 'disable', 'list'], (each) => /add|list/.test(each))) {
      const argv = [process.execPath, program('postern'), 'user', action, 'alice', '-c', config]
      const as = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...argv]
      const { code, stdout, stderr } = await server.run(as, { mayFail: true })
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toContain('permission denied')
    }
    expect(readFileSync(users, 'utf8')).toBe('alice 7431,8020\n')
  })

  test.concurrent(
    'several at a time are all there; one that is killed leaves whole files, and the next goes on',
    async () => {
      const { server, client } = await pair()
      const users = writeConfig('# people\nalice 7431,8020\n', 'users')
      const daemon = await startKnockd({ host: server, config: `[ssh]\nUsers = ${users}\nOpen_Ports = tcp/22\n` })
      const { process: running } = daemon
      const names = ['bob', 'carol', 'dan']
      const added = await Promise.all(names.map((name) => user(server, daemon, 'add', name, '--sequence')))
      expect(added.map(({ code }) => code)).toEqual(names.map(() => 0))
      expect(
        parseUsers(readFileSync(users, 'utf8'))
          .users.map(({ name }) => name)
          .sort(),
      ).toEqual(['alice', ...names])

      const began = performance.now()
      await user(server, daemon, 'add', 'frank', '--sequence')
      const tookMs = performance.now() - began
      let before = readFileSync(users, 'utf8')
      let [done, undone] = [0, 0]
      for (let count = 0; count < KILLS; count++) {
        const name = `k${count}`
        const argv = [process.execPath, program('postern'), 'user', 'add', name, '--sequence', '-c', daemon.file]
        const command = server.start(argv)
        // The first one before it can have done anything, the last one once it has, and the others meanwhile.
        if (count === KILLS - 1) await until('the line is there', () => readFileSync(users, 'utf8') !== before)
        else if (count > 0) await pause(tookMs * (0.4 + (0.9 * count) / KILLS))
        command.kill('SIGKILL')
        await command.ended
        const after = readFileSync(users, 'utf8')
        const { users: all, faults } = parseUsers(after)
        expect(faults).toEqual([])
        if (after === before) undone++
        else {
          done++
          expect(after.startsWith(before)).toBe(true)
          expect(all.at(-1)!.name).toBe(name)
        }
        before = after
      }
      expect(done + undone).toBe(KILLS)
      for (const times of [done, undone]) expect(times).toBeGreaterThan(0)
      expect((await userHere(daemon, 'add', 'zoe', '--sequence')).code).toBe(0)
      // What a killed command left is gone.
      expect(readdirSync(dirname(users)).filter((name) => name.includes('postern-new'))).toEqual([])
      await sendKnocks(client, SERVER_4, ['7431', '8020'])
      expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (alice)`)
    },
  )

  test.concurrent('a full disk and a read-only one leave the file as it was', async () => {
    const { server } = await pair()
    const folder = scratch('disk')
    mkdirSync(folder)
    const config = writeConfig(`[ssh]\nUsers = ${folder}/users\nOpen_Ports = tcp/22\n`)
    const script = `mount -t tmpfs -o size=16k,mode=755 tmpfs ${folder}
      printf 'alice 7431,8020\\n' > ${folder}/users; chmod 600 ${folder}/users
      add() { ${process.execPath} ${program('postern')} user add "$1" --sequence -c ${config} > /dev/null; echo "exit $?"; }
      dd if=/dev/zero of=${folder}/fill bs=4k 2> /dev/null
      add bob; cat ${folder}/users
      rm ${folder}/fill; mount -o remount,ro ${folder}
      add carol; cat ${folder}/users
      mount -o remount,rw ${folder}
      add dan; cut -d' ' -f1 ${folder}/users; ls -A ${folder}`
    const { stdout, stderr } = await server.run(['unshare', '-m', 'sh', '-c', script])
    expect(stdout).toBe('exit 1\nalice 7431,8020\nexit 1\nalice 7431,8020\nexit 0\nalice\ndan\nusers\n')
    expect(stderr).toMatch(/cannot write .*users: no space left on device\n/)
    expect(stderr).toMatch(/cannot write .*users: read-only file system\n/)
  })
})
