// Goal: whatever is run, by the daemon, by the clients or by postern, inherits descriptors 0, 1 and 2 and nothing else: not
// the packet socket, by which it could read others' knocks, send frames and make the daemon deaf, nor what whoever started
// the program had open.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SLOW } from '../slow.ts'
import { program, withStateDir } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { run, until } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { sendKnocks } from './service.ts'

/** `O_CLOEXEC` as proc(5) shows it: what a program was given cannot have it, what it opens by itself here has. */
const O_CLOEXEC = 0o2000000
const KEY = Buffer.alloc(32, 7).toString('base64')
const HMAC = Buffer.alloc(64, 9).toString('base64')

/** A folder of programs that write down what they were given, and where they do. */
class Recorder {
  readonly folder = scratch('recorder')
  readonly records = join(this.folder, 'records')
  readonly preload = join(this.folder, 'preload.cjs')

  constructor() {
    mkdirSync(this.records, { recursive: true })
    chmodSync(this.records, 0o777)
    // Node.js reads this one before anything else.
    writeFileSync(
      this.preload,
      `const { readdirSync, readFileSync, readlinkSync, writeFileSync } = require('node:fs')
      const { basename } = require('node:path')
      const lines = readdirSync('/proc/self/fdinfo').map((fd) => {
        try {
          const flags = /^flags:\\s+(\\d+)/m.exec(readFileSync('/proc/self/fdinfo/' + fd, 'latin1'))[1]
          return fd + ' ' + flags + ' ' + readlinkSync('/proc/self/fd/' + fd)
        } catch { return '' }
      })
      const name = basename(process.argv[1] ?? 'node', '.js')
      writeFileSync(${JSON.stringify(this.records)} + '/' + name + '.' + process.pid, lines.join('\\n'))\n`,
    )
  }

  /** A program that records, under a name, and then becomes another if one is given. Gives its path. */
  program(name: string, becomes = ''): string {
    const file = join(this.folder, name)
    // Perl marks what it opens by itself; a shell's own pipes would be in the way.
    const script = `#!/usr/bin/perl
my $record = '';
for my $info (glob "/proc/$$/fdinfo/*") {
  my ($fd) = $info =~ /(\\d+)$/;
  open(my $in, '<', $info) or next;
  my ($flags) = join('', <$in>) =~ /^flags:\\s+(\\d+)/m;
  my $link = readlink("/proc/$$/fd/$fd") or next;
  $record .= "$fd $flags $link\\n";
}
open(my $out, '>', "${this.records}/${name}.$$");
print $out $record;
close $out;
${becomes === '' ? '' : `exec '${becomes}', @ARGV;`}
`
    writeFileSync(file, script)
    chmodSync(file, 0o755)
    return file
  }

  /** Stands before a program of the system. */
  wrap(name: string): void {
    const real = execFileSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin"; command -v ${name}`], { encoding: 'utf8' })
    this.program(name, real.trim())
  }

  /** With the wrapped programs in front of the others, and a file of the caller's own at descriptor 200. */
  started(argv: readonly string[]): readonly string[] {
    const path = `PATH=${this.folder}:${process.env['PATH']}:/usr/sbin:/sbin`
    const words = ['bash', path, `NODE_OPTIONS=--require=${this.preload}`, ...argv]
    return ['bash', '-c', 'exec 200</etc/passwd; exec env "$@"', ...words]
  }

  has(name: string): boolean {
    return readdirSync(this.records).some((file) => file.startsWith(`${name}.`) && this.#text(file) !== '')
  }

  #text(file: string): string {
    return readFileSync(join(this.records, file), 'latin1')
  }

  /**
   * What programs were given beyond the first three: `gpg: 19 socket:[1234]`.
   *
   * @param started the program that was started here, which had what its caller left open
   * @param its the descriptors of that one while it ran: Node.js marks what it is given, but sockets have numbers
   */
  inherited(started: string, its: readonly string[] = []): readonly string[] {
    return this.#all
      .filter(
        ({ name, fd, flags, link }) => name !== started && fd > 2 && ((flags & O_CLOEXEC) === 0 || its.includes(link)),
      )
      .map(({ name, fd, link }) => `${name}: ${fd} ${link}`)
  }

  /** Whether the program that was started here had the file of its caller open, which nobody else is to have. */
  leftOpen(started: string): boolean {
    return this.#all.some(({ name, fd, link }) => name === started && fd === 200 && link === '/etc/passwd')
  }

  get #all(): readonly { readonly name: string; readonly fd: number; readonly flags: number; readonly link: string }[] {
    return readdirSync(this.records).flatMap((file) =>
      this.#text(file)
        .split('\n')
        .filter(Boolean)
        .map((line) => {
          const [fd, flags = '', ...link] = line.split(' ')
          const name = file.replace(/\.\d+$/, '')
          return { name, fd: Number(fd), flags: Number.parseInt(flags, 8), link: link.join(' ') }
        }),
    )
  }

  /** The names of those that recorded. */
  get names(): readonly string[] {
    return [...new Set(readdirSync(this.records).map((file) => file.replace(/\.\d+$/, '')))].sort()
  }
}

const keyOf = (byte: number): string => Buffer.alloc(32, byte).toString('base64')

const keys = (one: string, other: string): readonly string[] =>
  `--key-base64-rijndael ${one} --key-base64-hmac ${other} --use-hmac`.split(' ')

/** The descriptors of a process that have a number of their own: sockets, pipes and files. */
function numbered(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`)
    .filter((fd) => Number(fd) > 2)
    .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
    .filter((link) => !link.startsWith('anon_inode:'))
}

function gpg(home: string, words: readonly string[]): string {
  const all = ['--homedir', home, '--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', '', ...words]
  return execFileSync('gpg', all, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}

function keyIn(home: string, name: string): string {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  gpg(home, ['--quick-generate-key', name, 'rsa2048', 'sign,encr', 'never'])
  return /^fpr:+([0-9A-F]{40}):/m.exec(gpg(home, ['--with-colons', '--fingerprint', name]))![1]!
}

async function fwknop(client: Host, words: readonly string[]): Promise<void> {
  const home = scratch('home')
  mkdirSync(home)
  await client.run(['fwknop', '--no-rc-file', '-D', SERVER_4, '-a', CLIENT_4, ...words], { env: { HOME: home } })
}

// Each mostly waits for programs, on a network of its own.
lab('what is run gets 0, 1 and 2', { concurrent: true }, () => {
  const home = scratch('gnupg')
  let key = ''
  beforeAll(() => {
    key = keyIn(home, 'server@example.org')
  })
  afterAll(() => void execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']))

  test('by the daemon', async () => {
    const { server, client } = await pair()
    const recorder = new Recorder()
    recorder.wrap('gpg')
    const publicKey = scratch('public.asc')
    writeFileSync(publicKey, gpg(home, ['--armor', '--export', key]))
    const access = scratch('access.conf')
    const rijndael = `KEY_BASE64 ${KEY}\nHMAC_KEY_BASE64 ${HMAC}\n`
    writeFileSync(
      access,
      `SOURCE ANY\n${rijndael}ENABLE_CMD_EXEC Y\n
      SOURCE ANY\nKEY_BASE64 ${keyOf(1)}\nHMAC_KEY_BASE64 ${keyOf(2)}\nOPEN_PORTS tcp/22\nCMD_CYCLE_OPEN ${recorder.program('cycle-open')} $IP
      CMD_CYCLE_CLOSE ${recorder.program('cycle-close')} $IP\nCMD_CYCLE_TIMER 1\n
      SOURCE ANY\nGPG_HOME_DIR ${home}\nGPG_DECRYPT_ID ${key}\nGPG_REMOTE_ID ${key}\nGPG_ALLOW_NO_PW Y\n`,
      { mode: 0o600 },
    )
    const publishTo = scratch('www')
    mkdirSync(publishTo)
    const config = `[options]
Start_Hook = ${recorder.program('start-hook')}
Stop_Hook = ${recorder.program('stop-hook')}; true
[plain]
Sequence = 4021,811,3010
Open_Ports = tcp/22
Start_Command = ${recorder.program('start-plain')} %IP%
Stop_Command = true && ${recorder.program('stop-shell')} %IP%
Cmd_Timeout = 1
[list]
One_Time_Sequences = generate
Publish_To = ${publishTo}
Publish_For = ${publicKey}
Command = true
[fw]
SPA = fwknop
Access_File = ${access}
Open_Ports = tcp/22
`
    const file = writeConfig(withStateDir(config, scratch('state')))
    const argv = recorder.started([process.execPath, program('knockd'), '-v', '-c', file, '-i', 'eth0,lo'])
    const daemon = server.start(argv)
    await daemon.line(/listening on/)
    await until('the list', () => existsSync(join(publishTo, 'list.asc')))
    await sendKnocks(client, SERVER_4, ['4021', '811', '3010'])
    await fwknop(client, [...keys(KEY, HMAC), '--server-cmd', recorder.program('packet-command')])
    await fwknop(client, [...keys(keyOf(1), keyOf(2)), '-A', 'tcp/22'])
    const words = ['--gpg-encryption', '--gpg-home-dir', home, '--gpg-recipient-key', key, '--gpg-signer-key', key]
    await fwknop(client, [...words, '--gpg-no-signing-pw', '-A', 'tcp/22'])
    for (const name of ['start-plain', 'stop-shell', 'packet-command', 'cycle-open', 'cycle-close']) {
      await until(name, () => recorder.has(name))
    }
    await until('gpg', () => recorder.has('gpg'))
    const its = numbered(daemon.pid)
    await daemon.stop()
    expect(recorder.names.join(' ')).toBe(
      'cycle-close cycle-open gpg knockd packet-command publisher start-hook start-plain stop-hook stop-shell',
    )
    expect(its.length).toBeGreaterThan(2)
    expect(recorder.inherited('knockd', its)).toEqual([])
    expect(recorder.leftOpen('knockd')).toBe(true)
  }, 120_000)

  test('by a daemon in the background', async () => {
    const { server } = await pair()
    const recorder = new Recorder()
    const hook = recorder.program('start-hook')
    const config = `[options]\nStart_Hook = ${hook}\n[x]\nSequence = 1,2,3\nOpen_Ports = tcp/22\n`
    const file = writeConfig(withStateDir(config, scratch('state')))
    const pidFile = scratch('pid')
    const argv = [process.execPath, program('knockd'), '-d', '-c', file, '-i', 'eth0', '-p', pidFile]
    await server.run(recorder.started(argv))
    await until('the hook', () => recorder.has('start-hook'))
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM')
    await until('its end', () => !existsSync(pidFile))
    expect(recorder.names).toEqual(['knockd', 'start-hook'])
    expect(recorder.inherited('knockd')).toEqual([])
    expect(recorder.leftOpen('knockd')).toBe(true)
  })

  test('by the clients', async () => {
    const recorder = new Recorder()
    recorder.wrap('gpg')
    const list = scratch('list.asc')
    const env = { GNUPGHOME: home, HOME: home }
    execFileSync('gpg', ['--homedir', home, '--batch', '--armor', '--recipient', key, '--output', list, '--encrypt'], {
      input: '# Postern sequences, format 1\n5001,5002\n',
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    await run(recorder.started([process.execPath, program('knock'), '--from', list, '127.0.0.1']), { env })
    const rc = scratch('fwknoprc')
    writeFileSync(
      rc,
      `[default]\nUSE_GPG Y\nGPG_RECIPIENT ${key}\nGPG_SIGNER ${key}\nGPG_HOMEDIR ${home}\nGPG_NO_SIGNING_PW Y\n`,
      {
        mode: 0o600,
      },
    )
    const spa = ['--spa', 'fwknop', '--rc-file', rc, '-A', 'tcp/22', '-a', CLIENT_4, '127.0.0.1']
    await run(recorder.started([process.execPath, program('knock'), ...spa]), { env })
    expect(recorder.names).toEqual(['gpg', 'knock'])
    expect(recorder.inherited('knock')).toEqual([])
    expect(recorder.leftOpen('knock')).toBe(true)
  })

  test('by postern', async () => {
    const { server } = await pair()
    // Rules of iptables are asked for only where it has a table.
    await server.run(['iptables', '-A', 'INPUT', '-i', 'lo', '-j', 'ACCEPT'])
    const recorder = new Recorder()
    for (const name of ['ip', 'nft', 'unshare', 'iptables-nft-save']) recorder.wrap(name)
    const config = `[options]\nInterface = eth0\n[x]\nSequence = 1001,2002,3003\nOpen_Ports = tcp/22\nOpen_For = 5s\n`
    const file = writeConfig(withStateDir(config, scratch('state')))
    const posterns = async (...words: readonly string[]): Promise<unknown> => {
      const argv = [process.execPath, program('postern'), ...words, '-c', file]
      return await server.run(recorder.started(argv), { mayFail: true })
    }
    await Promise.all([posterns('doctor'), posterns('rehearse')])
    // What applies the rules runs the same, and more.
    if (SLOW) await posterns('firewall', 'apply', '--dry-run')
    await posterns('firewall', 'apply', '--beside', '--timeout', '5s')
    expect(recorder.names.join(' ')).toBe(
      'firewall-keeper firewall-listing ip iptables-nft-save nft postern rehearsal unshare',
    )
    expect(recorder.inherited('postern')).toEqual([])
    expect(recorder.leftOpen('postern')).toBe(true)
  }, 120_000)
})
