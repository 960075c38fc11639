// Goal: what others than root could have written is not taken, whatever it says and whatever kind of file it is; the log,
// `postern check` and `postern doctor` name it with a command, and that command puts it right.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatCounter, formatProfileConfig, formatProfileKey } from '../../src/peer/knockknock/profile.ts'
import { formatKey } from '../../src/spa/noise/key-text.ts'
import { asked, check } from './guarded.ts'
import { program, startAgain, startKnockd } from './knockd.ts'
import { IS_ROOT, SERVER_4, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import type { Output } from './process.ts'
import { scratch } from './scratch.ts'
import { probe, sendKnocks, serveTcp } from './service.ts'

const postern = async (host: Host, ...words: readonly string[]): Promise<Output> =>
  host.run([process.execPath, program('postern'), ...words], { mayFail: true })

const as = async (host: Host, user: string, script: string): Promise<Output> =>
  host.run(['runuser', '-u', user, '--', 'sh', '-c', script], { mayFail: true })

const put = (path: string, text: string | Uint8Array): string => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

const base64 = (byte: number): string => Buffer.alloc(32, byte).toString('base64')

/** A folder of its own in which `nobody` can reach files: the lab's is for root alone. */
const folderOf = (name: string): string => {
  const folder = scratch(name)
  mkdirSync(folder, { mode: 0o755 })
  chmodSync(dirname(folder), 0o755)
  return folder
}

// Each has a network and a daemon of its own.
describe.skipIf(!IS_ROOT).concurrent('a file that others can write', () => {
  test('nobody adds themselves to SPA_Users: they do not get in, and who was there before does', async () => {
    const { server, client } = await pair()
    await serveTcp(server, 22)
    const folder = folderOf('etc')
    const key = join(folder, 'server.key')
    const home = scratch('home')
    mkdirSync(join(home, '.config/postern'), { recursive: true, mode: 0o700 })
    const env = { HOME: home, XDG_CONFIG_HOME: join(home, '.config') }
    const made = await server.run([process.execPath, program('postern'), 'keygen', 'user', 'eve'], { env })
    const line = made.stdout.split('\n').find((each) => each.includes('postern-user:'))!
    const serverKey = (await asked(['keygen', 'server', '--file', key])).stdout
    const settings = `Server_Key = ${/(postern-server:\S+)/.exec(serverKey)![1]!}\nDoor = ssh\n`
    put(join(home, '.config/postern/config'), `[${SERVER_4}]\n${settings}`)
    const users = put(
      join(folder, 'users'),
      `packet-source ${formatKey('postern-user', new Uint8Array(32).fill(9))} alice\n`,
    )
    chmodSync(users, 0o666)
    const config = `[options]\nSPA_Key_File = ${key}\n[ssh]\nSPA = postern\nSPA_Users = ${users}\nOpen_Ports = tcp/22\n`
    const daemon = await startKnockd({ host: server, config })
    const { process: running } = daemon
    expect(running.count(/opens to nobody: .*users: others than its owner can change it \(mode 0666\)/)).toBe(1)
    const added = await as(server, 'nobody', `echo 'packet-source ${line.trim()}' >> ${users}`)
    expect(added.code).toBe(0)
    const knocking = [process.execPath, program('knock'), '--spa', SERVER_4]
    await client.run(knocking, { env, mayFail: true })
    await running.line(/users: others than its owner can change it/)
    expect(await probe(client, SERVER_4, 22)).not.toBe('open')
    expect(running.count(/OPEN SESAME/)).toBe(0)

    const checked = await check(daemon.file)
    expect(checked.code).toBe(78)
    const cure = `chmod 644 ${users}`
    expect(checked.stdout).toContain(
      `${users}:1:1: error: others than its owner can change it (mode 0666)\n    ${cure}\n`,
    )
    const doctor = await postern(server, 'doctor', '-c', daemon.file, '-i', 'eth0')
    expect(doctor.stdout).toContain(`\n    ${cure}\n`)
    // Put right: the daemon takes it without being asked. What nobody wrote there is for root to look at first.
    put(users, `packet-source ${line.trim()}\n`)
    execFileSync('sh', ['-c', cure])
    const opens = async (): Promise<boolean> => {
      await client.run(knocking, { env, mayFail: true })
      return (await probe(client, SERVER_4, 22)) === 'open'
    }
    await until('the packet to open', opens, undefined, 500)
  })

  test('of every kind: refused, and named with the command', async () => {
    const { server } = await pair()
    const folder = folderOf('etc')
    const at = (name: string): string => join(folder, name)
    put(at('totp'), 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n')
    put(at('users'), 'alice 7431,8020\n')
    put(at('once'), ' 7431,9001\n')
    put(at('packets'), `packet-source ${formatKey('postern-user', new Uint8Array(32).fill(9))} alice\n`)
    put(at('key'), `${formatKey('postern-server-secret', new Uint8Array(32).fill(1))}\n`)
    const keys = `KEY_BASE64 ${base64(7)}\nHMAC_KEY_BASE64 ${base64(9)}\n`
    put(at('access'), `SOURCE ANY\n${keys}`)
    put(at('keys'), keys)
    for (const [file, text] of [
      ['cipher.key', formatProfileKey(new Uint8Array(16).fill(1))],
      ['mac.key', formatProfileKey(new Uint8Array(16).fill(2))],
      ['counter', formatCounter(0)],
      ['config', formatProfileConfig(666)],
    ] as const) {
      put(at(`profiles/alice/${file}`), text)
    }
    put(at('phrase'), 'a passphrase of some length\n')
    mkdirSync(at('web'), { mode: 0o755 })
    const doors = [
      `TOTP_Secret_File = ${at('totp')}`,
      `Users = ${at('users')}`,
      `One_Time_Sequences = ${at('once')}`,
      `SPA = postern\nSPA_Users = ${at('packets')}`,
      `SPA = fwknop\nAccess_File = ${at('access')}`,
      `SPA = fwknop\nFwknop_Keys = ${at('keys')}`,
      `SPA = knockknock\nProfiles = ${at('profiles')}`,
      `One_Time_Sequences = generate\nPublish_To = ${at('web')}\nPublish_Passphrase_File = ${at('phrase')}`,
    ].map((lines, index) => `[d${index}]\n${lines}\nStart_Command = true\n`)
    const files = ['totp', 'users', 'once', 'packets', 'key', 'access', 'keys', 'profiles/alice/mac.key', 'phrase'].map(
      at,
    )
    for (const file of files) chmodSync(file, 0o666)
    const daemon = await startKnockd({
      host: server,
      config: `[options]\nSPA_Key_File = ${at('key')}\n${doors.join('')}`,
    })
    const { process: running } = daemon
    // It may be said before the line that the daemon listens, which was waited for.
    await until('what is said of the list', () => running.count(/its list is not published: .*phrase/) > 0)
    const said = running.lines.join('\n')
    const { stdout, code } = await check(daemon.file)
    const doctor = (await postern(server, 'doctor', '-c', daemon.file, '-i', 'eth0')).stdout
    expect(code).toBe(78)
    for (const file of files) {
      expect(said).toMatch(new RegExp(`${file}: others than its owner can (read or write|change) it \\(mode 0666\\)`))
      const cure = new RegExp(`^ {4}(chmod 6(?:00|44) ${file})$`, 'm').exec(stdout)?.[1]
      expect(cure, file).toBeDefined()
      expect(doctor).toContain(`\n    ${cure}\n`)
      execFileSync('sh', ['-c', cure!])
    }
    const after = await check(daemon.file)
    expect([after.code, after.stdout.includes('mode 0')]).toEqual([0, false])
    // A folder that others can write makes all that is in it theirs.
    chmodSync(folder, 0o777)
    const open = await check(daemon.file)
    expect(open.stdout.match(new RegExp(`chmod go-w ${folder}$`, 'gm'))!.length).toBeGreaterThanOrEqual(files.length)
    await running.stop()
    const again = (await startAgain(server, daemon)).lines.join('\n')
    for (const file of files.filter((each) => !/phrase|mac\.key/.test(each))) {
      expect(again).toContain(`${file}: others can write its folder ${folder}, and so replace it (mode 0777)`)
    }
    chmodSync(folder, 0o755)
  })

  test('the config: it is not started with, nor reloaded; who can read it does not matter', async () => {
    const { server, client } = await pair()
    const notes = scratch('notes')
    const daemon = await startKnockd({
      host: server,
      config: `[door]\nSequence = 7431,8020\nStart_Command = echo one >> ${notes}\n`,
    })
    const { process: running } = daemon
    chmodSync(daemon.file, 0o666)
    expect((await as(server, 'nobody', `echo 'Start_Command = id > /tmp/owned' >> ${daemon.file}`)).code).not.toBe(
      undefined,
    )
    running.kill('SIGHUP')
    await running.line(/others than its owner can change it \(mode 0666\).*keeping the previous config/)
    await sendKnocks(client, SERVER_4, ['7431', '8020'])
    await running.line(/OPEN SESAME/)
    await running.stop()
    const argv = [process.execPath, program('knockd'), '-v', '-c', daemon.file, '-i', 'eth0']
    const refused = await server.run(argv, { mayFail: true })
    expect([refused.code, refused.stderr]).toEqual([
      78,
      expect.stringContaining(
        `${daemon.file}: others than its owner can change it (mode 0666)\n  chmod 600 ${daemon.file}`,
      ),
    ])
    chmodSync(daemon.file, 0o644)
    await server.start(argv).line(/listening on/)
  })

  test('a pipe, a device and a folder in the place of a file hold nothing up', async () => {
    const { server, client } = await pair()
    const pipe = scratch('pipe')
    execFileSync('mkfifo', ['-m', '600', pipe])
    const notes = scratch('notes')
    const config = [
      `[a]\nUsers = ${pipe}\nStart_Command = true\n`,
      '[b]\nTOTP_Secret_File = /dev/zero\nStart_Command = true\n',
      '[c]\nOne_Time_Sequences = /etc\nStart_Command = true\n',
      `[d]\nSequence = 7431,8020\nStart_Command = echo d >> ${notes}\n`,
    ].join('')
    const daemon = await startKnockd({ host: server, config })
    const { process: running } = daemon
    expect(running.count(/is not a regular file/)).toBe(3)
    await sendKnocks(client, SERVER_4, ['7431', '8020'])
    await running.line(/d: OPEN SESAME/)
    const { code, stdout } = await check(daemon.file)
    expect([code, stdout.match(/is not a file/g)?.length]).toEqual([0, 3])
  })
})
