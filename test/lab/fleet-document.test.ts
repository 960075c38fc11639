// Goal: doc/fleet.md is true. A newcomer types its blocks, in its order, each on the machine that it is for, and has a fleet.
// A block names its machine behind its language: `sh operator`, `ini host`. `host` means each host, or the one that is asked for.
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf, periodAt } from '../../src/totp/code.ts'
import { readSecret } from '../../src/totp/secret-text.ts'
import { valueOf } from '../../src/text/read.ts'
import { document } from '../documents/markdown.ts'
import { Booted, stopMachines } from './booted.ts'
import { DocumentNetwork, runOn, type, writeOn } from './document-machines.ts'
import type { Answers, DocumentMachine } from './document-machines.ts'
import { PROJECT } from './knockd.ts'
import { Host, IS_ROOT } from './net.ts'
import { run, until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'
import { SLOW } from '../slow.ts'

const PAGE = document('doc/fleet.md')
const LIMIT_MS = 900_000
/** Milliseconds until hosts have compared their clocks, on a machine with other things to do. */
const CLOCKS_LIMIT_MS = 120_000
/** Milliseconds between two looks that start a program each. */
const LOOK_EVERY_MS = 1_000
/** The warnings that `doctor` may print on such a machine: `boot` only where nothing starts services. */
const EXPECTED = new Set(['warning: clock', 'warning: config', 'warning: boot'])
/** Exit codes of `doctor` and `status`: machines in a test have no time server, so that both warn. */
const CLOCK_IS_UNSYNCHRONISED = [0, 1]
/** Milliseconds that the lines of a block may take. */
const BLOCK_LIMIT_MS = 60_000
const HOSTS = { web1: '10.0.0.1', web2: '10.0.0.2', db1: '10.0.0.3' } as const
type HostName = keyof typeof HOSTS
const NAMES = Object.keys(HOSTS) as readonly HostName[]
const PASSPHRASE = 'correct horse'
/** The questions of the commands, and what the operator answers. */
const ANSWERS = [
  [`passphrase[^\\n]*:|once more:`, PASSPHRASE],
  ['continue connecting [^\\n]*\\?', 'yes'],
  ['put it in force[^\\n]*', 'yes'],
  // alice scans the QR code, here as text, and types the code that her app shows.
  [
    'otpauth:\\S+(?s:.*)app shows: _(?s:.*)',
    `!oathtool --totp -d 8 -b "$(grep -o 'secret=[A-Z2-7]*' | cut -d = -f 2)"`,
  ],
  ['app shows: _(?s:.*)', '!printf t'],
  ['Enter: go on(?s:.*)', ''],
] as const
/** Equivalents of programs that do not work in a namespace, by their names. */
const STAND_INS = {
  sudo: 'exec "$@"',
  'apt-get': 'command -v etcd nft',
  journalctl: '[ "$*" = "-u knockd" ] && cat /run/knockd.log',
  // Debian's unit of etcd, and knockd.service: the line ends when the daemon listens.
  systemctl: `case "$*" in
'enable etcd' | 'enable knockd') ;;
'restart --no-block etcd')
  grep ^ETCD_ /etc/default/etcd >/run/etcd.env
  nice -n -10 setsid setpriv --reuid etcd --regid etcd --clear-groups env $(cat /run/etcd.env) etcd >/run/etcd.log 2>&1 </dev/null & ;;
'reload knockd') kill -HUP "$(cat /run/knockd.test)" ;;
'restart knockd')
  if [ -e /run/knockd.test ]; then kill "$(cat /run/knockd.test)"; while kill -0 "$(cat /run/knockd.test)"; do sleep 0.1; done; fi
  starts() { grep -cs 'listening on' /run/knockd.log; }
  before=$(starts)
  nice -n -10 setsid sh -c 'echo $$ >/run/knockd.test; exec knockd -v' >>/run/knockd.log 2>&1 </dev/null &
  until [ "$(starts)" -gt "\${before:-0}" ]; do sleep 0.2; done ;;
*) echo "systemctl $*: not in the table" >&2; exit 1 ;;
esac`,
} as const

/** A block of code of the document. */
interface Block {
  /** The heading that it is below. */
  readonly heading: string
  readonly language: string
  /** The machine that it is for. */
  readonly on: string
  readonly text: string
}

const BLOCKS: readonly Block[] = PAGE.split(/^##+ (?=.*$)/m)
  .slice(1)
  .flatMap((section) => {
    const heading = section.split('\n')[0]!
    return [...section.matchAll(/^```(\S*) ?(.*)\n([^]*?)^```$/gm)].map(([, language = '', on = '', text = '']) => ({
      heading,
      language,
      on,
      text,
    }))
  })

/** Blocks that nobody types, by their heading and first line, with the reason. */
const NOT_TYPED: Readonly<Record<string, string>> = {}

/** Takes the blocks of a section, in their order. */
function blocksBelow(heading: RegExp): readonly Block[] {
  const found = BLOCKS.filter((block) => heading.test(block.heading))
  expect(found, String(heading)).not.toEqual([])
  return found
}

/** Expects that the document has these words below a heading, and the output, too. */
function saidBelow(heading: RegExp, output: string, ...words: readonly string[]): void {
  const section = PAGE.split(/^##+ /m).find((each) => heading.test(each.split('\n')[0]!))!
  for (const each of words) {
    expect(section.replaceAll(/\s+/g, ' ')).toContain(`\`${each}\``)
    expect(output).toContain(each)
  }
}

/** The machines of the document, whatever they are, and what a newcomer has at hand. */
class Newcomer {
  readonly network: DocumentNetwork
  readonly machines: Readonly<Record<HostName | 'operator' | 'alice', DocumentMachine>>
  /** The line of alice's app. */
  secret = ''
  /** The texts of the document in whose place a person types something else. */
  readonly placeholders = new Map<string, string>()
  readonly #typed = new Set<Block>()

  private constructor(network: DocumentNetwork, machines: Newcomer['machines']) {
    this.network = network
    this.machines = machines
  }

  static async make(hostOf: (network: DocumentNetwork, name: HostName) => Promise<DocumentMachine>): Promise<Newcomer> {
    const network = await DocumentNetwork.make(STAND_INS)
    const operator = await network.machine('operator', '10.0.0.9')
    const alice = await network.machine('alice', '10.0.0.20')
    const key = "mkdir -m 700 .ssh; ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519; cat .ssh/id_ed25519.pub"
    const { stdout: publicKey } = await runOn(operator, ['sh', '-ec', key])
    const hosts = await Promise.all(
      NAMES.map(async (name) => {
        const host = await hostOf(network, name)
        await runOn(host, ['mkdir', '-p', '-m', '700', '/root/.ssh'])
        await writeOn(host, '/root/.ssh/authorized_keys', publicKey)
        return [name, host] as const
      }),
    )
    const named = Object.fromEntries(hosts) as Readonly<Record<HostName, DocumentMachine>>
    return new Newcomer(network, { ...named, operator, alice })
  }

  /**
   * Types a block on the machine that it is for, and returns what is shown.
   *
   * @param codes the exit codes that it may have
   * @param answers the answers to further questions
   */
  async type(
    block: Block,
    machine = this.machines[block.on as keyof Newcomer['machines']],
    codes: readonly unknown[] = [0],
    answers: Answers = [],
  ): Promise<string> {
    const text = this.take(block)
    const typed = type(machine, text, [...ANSWERS, ...answers])
    const timer = setTimeout(() => typed.destroy(), BLOCK_LIMIT_MS)
    const { code, signal } = await typed.ended.finally(() => clearTimeout(timer))
    if (!codes.includes(code))
      throw new Error(`${block.on}: ${signal ?? `exit code ${code}`}\n$ ${text}\n${typed.lines.join('\n')}`)
    return typed.stdout
  }

  /** Starts a block of the operator's that waits for something. */
  start(block: Block): Process {
    expect(block.on).toBe('operator')
    return type(this.machines.operator, this.take(block), ANSWERS)
  }

  /** Returns the text of a block as a person types it, and remembers that it was. */
  take(block: Block): string {
    this.#typed.add(block)
    return [...this.placeholders].reduce((text, [from, to]) => text.replaceAll(from, to), block.text)
  }

  /** The blocks that were not typed yet. */
  get left(): readonly Block[] {
    return BLOCKS.filter((block) => !this.#typed.has(block))
  }

  /** Returns the code that alice's app shows, or the one after it. */
  code(ahead = 0): string {
    const secret = valueOf(readSecret(/otpauth:\S+/.exec(this.secret)![0]))!
    return codeOf(secret, periodAt(secret, Date.now()) + ahead)
  }

  static async close(): Promise<void> {
    await stopMachines()
    await Host.removeAll()
  }
}

/** A namespace with an sshd that lets root in by key. */
async function namespaceHost(network: DocumentNetwork, name: HostName): Promise<DocumentMachine> {
  const machine = await network.machine(name, HOSTS[name])
  await runOn(machine, ['mkdir', '/run/sshd'])
  await runOn(machine, ['install', '-m', '600', '/dev/null', '/etc/knockd.conf'])
  const settings = ['PermitRootLogin=prohibit-password', 'UsePAM=no', 'PidFile=none', 'Subsystem=sftp internal-sftp']
  const options = settings.flatMap((each) => ['-o', each])
  await runOn(machine, ['/usr/sbin/sshd', '-f', '/dev/null', ...options])
  return machine
}

function replay(newcomer: () => Newcomer): void {
  test('1. make the keys', async () => {
    const [init] = blocksBelow(/^1\. /)
    const typed = newcomer().start(init!)
    expect(await typed.ended).toMatchObject({ code: 0 })
    saidBelow(/^1\. /, typed.stdout, 'all files are made; etcd does not answer yet')
  })

  test(
    '2. start etcd',
    async () => {
      const [nodes, init] = blocksBelow(/^2\. /)
      await newcomer().type(nodes!)
      let shown = ''
      await until(
        'the first list is signed',
        async () => {
          const again = newcomer().start(init!)
          const { code: exit } = await again.ended
          shown = again.stdout
          if (exit !== 0) saidBelow(/^2\. /, shown, 'etcd does not answer yet')
          return exit === 0
        },
        CLOCKS_LIMIT_MS,
        LOOK_EVERY_MS,
      )
      saidBelow(/^2\. /, shown, 'the first list of hosts is signed')
    },
    LIMIT_MS,
  )

  test(
    '3. let the hosts join',
    async () => {
      const blocks = blocksBelow(/^3\. /)
      const joining = blocks.find(({ on }) => on === 'host')!
      const invitations = blocks.filter(({ on }) => on === 'operator')
      expect(invitations).toHaveLength(NAMES.length)
      for (const invitation of invitations) {
        const name = /invite (\S+)/.exec(invitation.text)![1] as HostName
        const inviting = newcomer().start(invitation)
        const printed = await inviting.line(/^ +sudo postern fleet join/)
        // The line that is printed is the one of the document.
        expect(printed.trim()).toBe(joining.text.trim())
        const token = await inviting.line(/^postern1\./)
        const joined = await newcomer().type(joining, newcomer().machines[name], [0], [['token:', token.trim()]])
        expect(await inviting.ended).toMatchObject({ code: 0 })
        const [fingerprint] = /([0-9a-f]{4}-){3}[0-9a-f]{4}/.exec(joined) ?? ['none']
        expect(inviting.stdout).toContain(fingerprint)
      }
    },
    LIMIT_MS,
  )

  test(
    '4. start the hosts',
    async () => {
      const [config, more, start] = blocksBelow(/^4\. /)
      expect([config!.on, more!.on, start!.on]).toEqual(['host', 'web1', 'host'])
      await Promise.all(
        NAMES.map(async (name) => {
          const machine = newcomer().machines[name]
          const text = `\n${newcomer().take(config!)}${name === more!.on ? newcomer().take(more!) : ''}`
          const { stdout: present } = await runOn(machine, ['cat', '/etc/knockd.conf'])
          const [, options = '', door = ''] = /^\n\[options\]\n([^]*?)(\[ssh\][^]*)$/.exec(text)!
          const merged = present.includes('[options]\n')
            ? `${present.replace('[options]\n', `[options]\n${options}`)}\n${door}`
            : text
          await runOn(machine, ['sh', '-c', 'cat >/etc/knockd.conf'], { input: merged })
          const shown = await newcomer().type(start!, machine)
          saidBelow(/^4\. /, shown, 'cannot be read')
          expect(shown).toContain('usable, 1 door, 1 warning')
        }),
      )
    },
    LIMIT_MS,
  )

  test('5. put users in force', async () => {
    const [keygen, push] = blocksBelow(/^5\. /)
    const shown = await newcomer().type(keygen!)
    newcomer().secret = /alice otpauth:[!-~]+/.exec(shown)![0]
    saidBelow(/^5\. /, shown, 'for the file of users')
    // What the document has the newcomer do by hand.
    await runOn(newcomer().machines.operator, ['sh', '-c', 'cat >>users.d/ssh.users'], {
      input: `${newcomer().secret}\n`,
    })
    saidBelow(/^5\. /, await newcomer().type(push!), 'in force on db1, web1, web2')
  })

  test(
    '6. look at it, and knock',
    async () => {
      const blocks = [...blocksBelow(/^6\. /)]
      const next = (words: string): Block => {
        const block = blocks.shift()!
        expect(block.text).toContain(words)
        return block
      }
      const status = next('postern fleet status')
      let shown = ''
      saidBelow(/^6\. /, 'all is well', 'all is well')
      await until(
        'all is well',
        async () => {
          const looking = newcomer().start(status)
          await looking.ended
          shown = looking.stdout
          // Nodes are slow where many tests run at once.
          return shown
            .replace(/^problems:\n(?: +\S+: answers after .* ms\n)+$/m, 'all is well\n')
            .endsWith('all is well\n')
        },
        CLOCKS_LIMIT_MS,
        3 * LOOK_EVERY_MS,
      )
      const doctor = next('postern doctor')
      await Promise.all(
        (SLOW ? NAMES : NAMES.slice(0, 1)).map(async (name) => {
          const { [name]: machine } = newcomer().machines
          const diagnosis = await newcomer().type(doctor, machine, CLOCK_IS_UNSYNCHRONISED)
          expect(diagnosis.match(/^(?:fault|warning): \w+/gm)?.filter((each) => !EXPECTED.has(each))).toEqual([])
          saidBelow(/^6\. /, diagnosis, 'Sequence')
        }),
      )
      newcomer().placeholders.set('12345678', newcomer().code())
      await newcomer().type(next('--verify tcp/22 10.0.0.3'))
      await newcomer().type(next('10.0.0.1'))
      const log = next('journalctl')
      await until('it is refused', async () => /used before/.test(await newcomer().type(log)))
      saidBelow(/^6\. /, await newcomer().type(log), "ssh: this code was used before, alice's")
      newcomer().placeholders.set('12345678', newcomer().code(1))
      await newcomer().type(next('--verify tcp/22 10.0.0.1'))
      const openings = next('postern status')
      const isTold = async (): Promise<boolean> =>
        /alice +tcp\/22 +web1/.test(await newcomer().type(openings, undefined, CLOCK_IS_UNSYNCHRONISED))
      await until('web2 is open', isTold, BLOCK_LIMIT_MS, LOOK_EVERY_MS)
      expect(blocks).toEqual([])
    },
    LIMIT_MS,
  )

  test(
    'knock once, open a group: the doors of both kinds of hosts are usable',
    async () => {
      const doors = blocksBelow(/^Knock once/).filter(({ language }) => language === 'ini')
      expect(doors.map(({ on }) => on)).toEqual(['bastion', 'group'])
      const { stdout: present } = await runOn(newcomer().machines.web1, ['cat', '/etc/knockd.conf'])
      const options = present.slice(0, present.search(/^\[ssh\]/m))
      // The package's User can read a copy as it can read the config.
      await runOn(newcomer().machines.web1, ['cp', '-p', '/etc/knockd.conf', '/etc/group.conf'])
      for (const door of doors) {
        await writeOn(newcomer().machines.web1, '/etc/group.conf', `${options}${newcomer().take(door)}`, '640')
        const check = ['postern', 'check', '/etc/group.conf']
        expect((await runOn(newcomer().machines.web1, check, { mayFail: true })).stdout).toContain('usable, 1 door')
      }
    },
    LIMIT_MS,
  )

  test(
    'operators: a second one makes a key, of which all can see the public half',
    async () => {
      const [make, add] = blocksBelow(/^Operators/)
      const bob = await newcomer().network.machine('bob', '10.0.0.10')
      const pack = 'tar -C /root --exclude sign.key -c .config | base64 -w0'
      const { stdout } = await runOn(newcomer().machines.operator, ['sh', '-c', pack])
      await runOn(bob, ['sh', '-c', 'base64 -d | tar -C /root -x'], { input: stdout })
      const [, key] = /^public key: (\S{44})$/m.exec(await newcomer().type(make!, bob))!
      newcomer().placeholders.set('bob KEY', `bob ${key!}`)
      await newcomer().type(add!)
      for (const name of NAMES) {
        const log = ['journalctl', '-u', 'knockd']
        let said = ''
        const knows = async (): Promise<boolean> => {
          ;({ stdout: said } = await runOn(newcomer().machines[name], log))
          return /operators of the fleet: \w+, bob$/m.test(said)
        }
        await until('the daemon knows bob', knows, BLOCK_LIMIT_MS).catch((error: unknown) => {
          throw new Error(said, { cause: error })
        })
      }
    },
    LIMIT_MS,
  )

  test(
    'make room in etcd',
    async () => {
      const [room] = blocksBelow(/^Make room/)
      expect(await newcomer().type(room!)).toMatch(/compacted revision \d+/)
    },
    LIMIT_MS,
  )

  test(
    'renew certificates: a host joins again, and stays in its group; what an operator took away is made',
    async () => {
      const [invite, again, renew] = blocksBelow(/^Renew/)
      const inviting = newcomer().start(invite!)
      const token = await inviting.line(/^postern1\./)
      await newcomer().type(again!, undefined, [0], [['token:', token.trim()]])
      expect(await inviting.ended).toMatchObject({ code: 0 })
      expect(await newcomer().type(renew!)).toMatch(/4 files made[^]*the fleet home has 3 hosts/)
      const { stdout } = await runOn(newcomer().machines.operator, ['postern', 'fleet', 'hosts'])
      expect(stdout).toMatch(/^ *web1 +web /m)
    },
    LIMIT_MS,
  )

  test('every block for a machine was typed', () => {
    const left = newcomer().left.filter(({ language, on }) => on !== '' || language !== 'text')
    const named = left.map(({ heading, text }) => `${heading}: ${text.split('\n')[0]!}`)
    expect(named).toEqual(Object.keys(NOT_TYPED))
  })
}

describe.skipIf(!IS_ROOT)('doc/fleet.md in namespaces', () => {
  let newcomer: Newcomer
  beforeAll(async () => {
    newcomer = await Newcomer.make(namespaceHost)
  })
  afterAll(async () => await Newcomer.close())
  replay(() => newcomer)
})

describe.skipIf(!IS_ROOT || !SLOW)('doc/fleet.md on booted machines, with the package', () => {
  let newcomer: Newcomer
  beforeAll(async () => {
    const folder = scratch('packages')
    mkdirSync(folder)
    const env = { VERSION: '0.0.3', QUICK: '1' }
    await run([join(PROJECT, 'script/package'), '--out', folder, 'all'], { limitMs: LIMIT_MS, env })
    newcomer = await Newcomer.make(async (network, name) => {
      const packages = ['nodejs', 'etcd-server', 'openssh-server', 'openssl', 'sudo']
      const booted = await Booted.make({ suite: 'trixie', init: 'systemd', packages })
      copyFileSync(join(folder, 'postern_0.0.3_all.deb'), join(booted.root, 'root/postern.deb'))
      await booted.run('dpkg --install /root/postern.deb')
      return await network.join(booted, HOSTS[name])
    })
  }, LIMIT_MS)
  afterAll(async () => await Newcomer.close(), LIMIT_MS)
  replay(() => newcomer)
})
