// Goal: the client knocks in a container that has Node.js and Postern's own files alone: no koffi, no /etc, /proc or /dev, a
// user without account, home and capabilities, and nothing that can be written. What needs more says so in a line.
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { beforeAll, expect, test } from 'vitest'
import { codeOf, periodAt } from '../../src/totp/code.ts'
import type { TotpSecret } from '../../src/totp/code.ts'
import { secretUri } from '../../src/totp/secret-text.ts'
import { sample, slowly } from '../slow.ts'
import { writeProfile } from '../peer/profile.ts'
import { HMAC, KEY, STANZA, fwknopConfig, secretFile } from './fwknop.ts'
import { Gnupg } from './gnupg.ts'
import { PROJECT, knock, program } from './knockd.ts'
import { CLIENT_4, CLIENT_6, SERVER_4, SERVER_6, lab } from './net.ts'
import type { Host } from './net.ts'
import { SharedDaemon } from './one-daemon.ts'
import type { Output, Process, Run } from './process.ts'
import { run, until } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { GREETING, serveTcp, watchWire } from './service.ts'

/** A user and group that this machine does not know. */
const NOBODYS = 47_110
/** Starts a program in the folder `$0`, of which nothing can be written, with the environment of the words before `--`. */
const CONTAINER = `
mount --bind "$0" "$0"
[ "$1" = writable ] || mount -o remount,bind,ro "$0"
shift
exec env -i "$1" /usr/sbin/chroot --userspec=${NOBODYS}:${NOBODYS} "$0" ${process.execPath} "\${@:2}"`
const NO_KOFFI = 'koffi, the native part of Postern, is not installed'
const NO_ADDONS = 'koffi, the native part of Postern, cannot be loaded: Node.js runs with --no-addons'

/** A long period, so that no test meets its end but by chance. */
const SECRET: TotpSecret = {
  key: Uint8Array.from({ length: 20 }, (_, index) => index * 5 + 3),
  algorithm: 'SHA1',
  digits: 8,
  periodS: 3_600,
}

/** A list before it is encrypted. */
const list = (...sequences: readonly string[]): string => `# Postern sequences, format 1\n${sequences.join('\n')}\n`

/** The packages that are installed without optional ones, as the lock file has them. */
function required(): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(PROJECT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: true; optional?: true; devOptional?: true }>
  }
  return Object.entries(packages)
    .filter(([path, { dev, optional, devOptional }]) => path !== '' && !(dev || optional || devOptional))
    .map(([path]) => path)
}

lab('without native code', () => {
  const root = scratch('root')
  const home = join(root, 'home')
  const shared = new SharedDaemon()
  let server: Host
  let client: Host

  /** Runs Node.js in the container. */
  const contained = async (mode: string, variable: string, words: readonly string[], how: Run = {}): Promise<Output> =>
    await client.run(['unshare', '--mount', 'bash', '-ec', CONTAINER, root, mode, variable, ...words], how)

  /** Runs a program in the container. */
  const inside = async (
    name: 'knock' | 'knockd' | 'postern',
    words: readonly string[],
    { variable = 'HOME=/home', mode = 'read-only', node = ['--no-addons'] as readonly string[] } = {},
  ): Promise<Output> =>
    await contained(mode, variable, [...node, `/postern/dist/bin/${name}.js`, ...words], { mayFail: true })
  const own = (name: string, text: string | Uint8Array): void => {
    const path = join(home, name)
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, text, { mode: 0o600 })
    execFileSync('chown', ['-R', `${NOBODYS}:${NOBODYS}`, home])
  }

  beforeAll(async () => {
    ;({ server, client } = await shared.network())
    mkdirSync(home, { recursive: true })
    const { stdout } = await run(['ldd', process.execPath])
    const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path)
    for (const path of [process.execPath, ...libraries]) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      copyFileSync(path, join(root, path))
      chmodSync(join(root, path), 0o755)
    }
    cpSync(join(PROJECT, 'dist'), join(root, 'postern/dist'), { recursive: true })
    copyFileSync(join(PROJECT, 'package.json'), join(root, 'postern/package.json'))
    for (const path of required()) cpSync(join(PROJECT, path), join(root, 'postern', path), { recursive: true })
    execFileSync('chmod', ['-R', 'go+rX', root])
  })

  test('the container is as poor as it should be', async () => {
    expect(required()).toEqual(expect.arrayContaining(['node_modules/age-encryption', 'node_modules/qr']))
    expect(required()).not.toContain('node_modules/koffi')
    const look = `
      const { existsSync, writeFileSync } = require('node:fs')
      const fails = (act) => { try { act(); return false } catch { return true } }
      console.log(JSON.stringify([
        process.getuid(), ['/etc', '/proc', '/dev', '/postern/node_modules/koffi'].filter((path) => existsSync(path)),
        fails(() => writeFileSync('/home/x', '')), fails(() => require('node:os').userInfo()),
      ]))`
    writeFileSync(join(root, 'look.cjs'), look)
    const said = await contained('read-only', 'A=', ['/look.cjs'])
    expect(said.stdout).toBe(`[${NOBODYS},[],true,true]\n`)
  })

  test('ports and datagrams, over both families', async () => {
    const { daemon } = await shared.reload('[ssh]\nSequence = 7301,8822:udp/32,9403\nStart_Command = true\n')
    for (const [address, source] of [
      [SERVER_4, CLIENT_4],
      [SERVER_6, CLIENT_6],
    ] as const) {
      const said = await inside('knock', ['-v', '-d', '20', address, '7301', '8822:udp/32', '9403'])
      expect([said.code, said.stderr]).toEqual([0, ''])
      expect(said.stdout.split('\n')).toHaveLength(4)
      expect(await daemon.process.line(/OPEN SESAME/)).toBe(`${source}: ssh: OPEN SESAME`)
    }
  })

  test('codes: computed from a file, and typed; with a home and without, where nothing can be remembered', async () => {
    const uri = `${secretUri(SECRET, 'gate.example', 'ssh')}\n`
    const { daemon } = await shared.reload(
      `[ssh]\nTOTP_Secret_File = ${secretFile('totp', uri)}\nStart_Command = true\n`,
    )
    own('totp', uri)
    const code = codeOf(SECRET, periodAt(SECRET, Date.now()) + 1)
    expect(await inside('knock', ['--totp-file', '/home/totp', SERVER_4])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    })
    await daemon.process.line(new RegExp(`${CLIENT_4}: ssh: OPEN SESAME`))
    expect(await inside('knock', ['--code', code, SERVER_6], { variable: 'LANG=C' })).toMatchObject({
      code: 0,
      stderr: '',
    })
    await daemon.process.line(new RegExp(`${CLIENT_6}: ssh: OPEN SESAME`))
  })

  test.concurrent('a code that was knocked is remembered where that is possible, and the next run waits', async () => {
    const short = { ...SECRET, periodS: 5 }
    const uri = `${secretUri(short, 'gate.example', 'ssh')}\n`
    own('short', uri)
    const words = ['--totp-file', '/home/short', SERVER_4]
    const writable = { mode: 'writable' }
    // It may wait itself, where a period is nearly over.
    let said = await inside('knock', words, writable)
    expect(said.code).toBe(0)
    // On a busy machine the next run can begin when its code is a new one already.
    await until('a run that waits', async () => {
      said = await inside('knock', words, writable)
      return said.stderr !== ''
    })
    expect([said.code, said.stderr]).toEqual([
      0,
      expect.stringMatching(/^(knock: waiting [0-9.]+ s for the next code\n)+$/),
    ])
    rmSync(join(home, '.local'), { recursive: true })
  })

  // At the same time as the one that waits for a code.
  test.concurrent('lists by gpg need none of it either', async () => {
    const gnupg = new Gnupg()
    gnupg.run(['--quick-generate-key', 'knocker@example.org', 'default', 'default', 'never'])
    const message = gnupg.run(['--armor', '--encrypt', '-r', 'knocker@example.org'], list('7001,7202'))
    const said = await client.run(
      [
        process.execPath,
        '--no-addons',
        program('knock'),
        '-v',
        '--from',
        secretFile('list.asc', message.toString()),
        SERVER_4,
      ],
      { env: { GNUPGHOME: gnupg.home } },
    )
    expect(said.stdout).toContain(`hitting tcp ${SERVER_4}:7202\n`)
    gnupg.close()
  })

  test('published lists, from a file and by http, for a key and for a passphrase', async () => {
    const identity = await generateX25519Identity()
    const [named, worded] = [new Encrypter(), new Encrypter()]
    named.addRecipient(await identityToRecipient(identity))
    worded.setScryptWorkFactor(10)
    worded.setPassphrase('open sesame')
    const sequences = ['7001,7202,7403', '7504,7605,7706']
    const { daemon } = await shared.reload(
      `[ssh]\nOne_Time_Sequences = ${secretFile('sequences', `${sequences.join('\n')}\n`)}\nStart_Command = true\n`,
    )
    own('list.age', await named.encrypt(list(...sequences)))
    own('age.key', `${identity}\n`)
    own('words', 'open sesame\n')
    const keyed = ['-v', '--from', '/home/list.age', '--identity', '/home/age.key', SERVER_4]
    expect(await inside('knock', keyed)).toMatchObject({ code: 0, stderr: '' })
    await daemon.process.line(/OPEN SESAME/)
    const published = secretFile('published', '')
    writeFileSync(published, await worded.encrypt(list(...sequences.slice(1))))
    const served = `require('node:http').createServer((_, answer) => answer.end(require('node:fs').readFileSync('${published}')))
      .listen(8080, '::', () => console.log('ready'))`
    const web: Process = server.start([process.execPath, '-e', served])
    await web.line(/^ready$/)
    const fetched = ['--from', `http://${SERVER_4}:8080/list`, '--passphrase-file', '/home/words', SERVER_6]
    expect(await inside('knock', fetched)).toMatchObject({ code: 0, stderr: '' })
    await daemon.process.line(new RegExp(`${CLIENT_6}: ssh: OPEN SESAME`))
    await web.stop()
  })

  test("Postern's single packets, by a key that is made there", async () => {
    const made = await inside('postern', ['keygen', 'user'], { mode: 'writable' })
    expect([made.code, made.stderr]).toEqual([0, ''])
    const [line = ''] = /postern-user:.*/.exec(made.stdout) ?? []
    const key = scratch('server.key')
    const printed = await run([process.execPath, program('postern'), 'keygen', 'server', '--file', key])
    const { daemon } = await shared.reload(
      `[options]\nSPA_Key_File = ${key}\n[ssh]\nSPA = postern\nSPA_Users = ${secretFile('users', `doors=ssh ${line}\n`)}\nStart_Command = true\n`,
    )
    const [serverKey = ''] = /postern-server:\S+/.exec(printed.stdout) ?? []
    own('spa.conf', `[${SERVER_4}]\nServer_Key = ${serverKey}\nDoor = ssh\n`)
    const said = await inside('knock', ['--spa', '--config', '/home/spa.conf', SERVER_4])
    expect([said.code, said.stderr]).toEqual([0, ''])
    expect(said.stdout).toBe(`asked ${SERVER_4} (udp 62201) for the door ssh, for ${CLIENT_4}\n`)
    await daemon.process.line(/ssh: OPEN SESAME/)
  })

  test("fwknop's single packets, of a user without a name", async () => {
    const { daemon } = await shared.reload(fwknopConfig(STANZA, ['Start_Command = true']))
    own('.fwknoprc', `[${SERVER_4}]\nACCESS tcp/22\nKEY_BASE64 ${KEY}\nHMAC_KEY_BASE64 ${HMAC}\nUSE_HMAC Y\n`)
    const said = await inside('knock', ['--spa', 'fwknop', SERVER_4])
    expect([said.code, said.stderr]).toEqual([0, ''])
    await daemon.process.line(/fw: OPEN SESAME/)
  })

  test("ssh's ProxyCommand, which knocks and passes on", async () => {
    const { daemon } = await shared.reload('[ssh]\nSequence = 7301,822,9403\nStart_Command = true\n')
    await serveTcp(server, 2_222)
    own('.config/postern/config', `[${SERVER_4}]\nKnock = 7301,822,9403\n`)
    const said = await inside('postern', ['proxy', SERVER_4, '2222'])
    expect([said.code, said.stderr]).toEqual([0, ''])
    expect(said.stdout.trim()).toBe(GREETING)
    await daemon.process.line(/ssh: OPEN SESAME/)
  })

  test.each<[string, readonly string[], string]>([
    ['koffi is not installed', [], NO_KOFFI],
    ['koffi is there, and Node.js runs with --no-addons', ['--no-addons'], NO_ADDONS],
  ])('what needs it says so before anything is sent, and the daemon at its start: %s', async (_, node, reason) => {
    own('.config/postern/config', `[${SERVER_4}]\nKnock = 7301,822,9403\n`)
    writeProfile(join(home, '.knockknock', SERVER_4), {
      cipherKey: new Uint8Array(16).fill(1),
      macKey: new Uint8Array(16).fill(2),
    })
    own('empty', '')
    const config = writeConfig('[ssh]\nSequence = 7301,822,9403\nStart_Command = true\n')
    const isThere = node.length > 0
    const outside = async (name: 'knock' | 'knockd' | 'postern', words: readonly string[]): Promise<Output> =>
      isThere
        ? await client.run([process.execPath, ...node, program(name), ...words], { mayFail: true, env: { HOME: home } })
        : await inside(name, words, { node: [] })
    execFileSync('chown', ['-R', isThere ? '0:0' : `${NOBODYS}:${NOBODYS}`, home])
    copyFileSync(config, join(root, 'knockd.conf'))
    chmodSync(join(root, 'knockd.conf'), 0o644)
    const wire = await watchWire(server, `src host ${CLIENT_4} and not arp`)

    const install = isThere
      ? 'leave that out of the command, and of NODE_OPTIONS'
      : 'install Postern again, without --omit=optional'
    const commands = [
      [
        'knock',
        [SERVER_4, '7301', 'icmp/419'],
        `knock: cannot send pings: ${reason}\n  \`ping -c 1 -s SIZE HOST\` sends one, too\n`,
      ],
      [
        'knock',
        ['--spa', 'knockknock', SERVER_4, '22'],
        `knock: cannot send raw packets: ${reason}\n  knock from a Linux with all of Postern, or have the server take another secret\n`,
      ],
      [
        'postern',
        ['proxy', '-F', SERVER_4, '2222'],
        `postern: cannot hand over a connection: ${reason}\n  leave -F and ProxyUseFdpass out\n`,
      ],
      ['knockd', ['-c', isThere ? config : '/knockd.conf'], `knockd: ${reason}\n  ${install}\n`],
      ['knockd', ['-d', '-c', isThere ? config : '/knockd.conf'], `knockd: ${reason}\n  ${install}\n`],
      ['postern', ['check', isThere ? config : '/knockd.conf'], `postern: ${reason}\n  ${install}\n`],
    ] as const
    // Where koffi is there, the reason is another one alone.
    const some = sample(commands, (_each, index) => !isThere || index === 0 || index === 3)
    const said = await Promise.all(some.map(async ([name, words]) => await outside(name, words)))
    for (const [index, { code, stdout, stderr }] of said.entries()) {
      expect([code, stdout, stderr], some[index]![1].join(' ')).toEqual([1, '', some[index]![2]])
    }
    // A knock behind them shows that nothing came before.
    await knock(client, [SERVER_4, '9:udp'])
    await wire.line(/\.9: UDP/)
    expect(wire.count(/ > /)).toBe(1)
    await wire.stop()
  })

  // imports.test.ts makes the claim of all that the client loads.
  slowly('where koffi is there, no kind of knock loads it, but for a ping', async () => {
    const preload = scratch('preload.cjs')
    writeFileSync(
      preload,
      `const load = process.dlopen
       process.dlopen = (...words) => (require('node:fs').writeSync(2, 'add-on\\n'), load.apply(process, words))`,
    )
    execFileSync('chown', ['-R', '0:0', home])
    const asked = async (...words: readonly string[]): Promise<Output> =>
      await client.run([process.execPath, '-r', preload, program('knock'), ...words], {
        mayFail: true,
        env: { HOME: home, XDG_STATE_HOME: scratch('state') },
      })
    for (const words of [
      ['--help'],
      [SERVER_4, '7001', '7002:udp'],
      ['--totp-file', join(home, 'totp'), SERVER_4],
      ['--code', '12345678', SERVER_4],
      ['--from', join(home, 'list.age'), '--identity', join(home, 'age.key'), SERVER_4],
      ['--spa', 'fwknop', SERVER_4],
      ['--spa', '--config', join(home, 'spa.conf'), SERVER_4],
    ]) {
      expect(await asked(...words), words.join(' ')).toMatchObject({ code: 0, stderr: '' })
    }
    expect((await asked(SERVER_4, 'icmp/41')).stderr).toContain('add-on')
  })
})
