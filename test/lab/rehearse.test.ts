// Goal: a rehearsal shows on a copy of the machine's rules what a config does, names each mistake that people make with
// the line that is at fault, and leaves the machine itself as it was, whatever happens. A host of the lab plays the machine.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { TotpSecret } from '../../src/totp/code.ts'
import { secretUri } from '../../src/totp/secret-text.ts'
import { hidePort, nft } from './firewall.ts'
import { program } from './knockd.ts'
import { Host, SERVER_4, SERVER_6, lab, link } from './net.ts'
import { until } from './process.ts'
import type { Output } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'

/** Milliseconds that one test may take: a rehearsal waits for deadlines, twice. */
const LIMIT_MS = 180_000
/** Milliseconds that one rehearsal may take. */
const RUN_LIMIT_MS = 120_000

/** The machine: one interface with both families, and somebody on its other end. */
async function makeMachine(): Promise<Host> {
  const machine = await Host.make('machine')
  const neighbour = await Host.make('neighbour')
  await link({ host: machine, addresses: [`${SERVER_4}/24`, `${SERVER_6}/64`] }, { host: neighbour })
  return machine
}

const RULE = '-s %IP% -p tcp --dport 22 -j ACCEPT'

interface Commands {
  readonly start?: string
  readonly stop?: string
  readonly start6?: string | undefined
  readonly stop6?: string | undefined
}

/** A door for ssh as it should be, but for what is given. The start command stands in line 5, the stop command in line 6. */
function config(commands: Commands = {}): string {
  const all = {
    start: `iptables -I INPUT ${RULE}`,
    stop: `iptables -D INPUT ${RULE}`,
    start6: `ip6tables -I INPUT ${RULE}`,
    stop6: `ip6tables -D INPUT ${RULE}`,
    ...commands,
  }
  const lines = ['[ssh]', 'Sequence = 7301,8822:udp,6103', 'Seq_Timeout = 1', 'Cmd_Timeout = 2']
  lines.push(`Start_Command = ${all.start}`, `Stop_Command = ${all.stop}`)
  if (all.start6 !== undefined) lines.push(`Start_Command_6 = ${all.start6}`)
  if (all.stop6 !== undefined) lines.push(`Stop_Command_6 = ${all.stop6}`)
  return `${lines.join('\n')}\n`
}

/** Runs a rehearsal on the machine to its end. */
async function rehearse(machine: Host, text: string, ...args: readonly string[]): Promise<Output> {
  const argv = [process.execPath, program('postern'), 'rehearse', '-c', writeConfig(text), ...args]
  return await machine.run(argv, { mayFail: true, limitMs: RUN_LIMIT_MS })
}

interface Document {
  readonly good: boolean
  readonly notCopied: readonly string[]
  readonly doors: readonly {
    readonly name: string
    readonly ports: string
    readonly notes: readonly string[]
    readonly tried: readonly {
      readonly family: 4 | 6
      readonly checks: Readonly<Record<string, string>>
      readonly openedMs?: number
    }[]
  }[]
  readonly findings: readonly {
    readonly families: readonly number[]
    readonly line: number
    readonly column: number
    readonly message: string
    readonly hint?: string
  }[]
  readonly machine: { readonly unchanged: boolean }
}

/** The same with `--json`, and the machine's rules byte for byte before and after. */
async function report(machine: Host, text: string, ...args: readonly string[]): Promise<Document> {
  const before = await wholeRules(machine)
  const { code, stdout, stderr } = await rehearse(machine, text, '--json', ...args)
  expect(await wholeRules(machine)).toBe(before)
  expect(stdout, stderr).not.toBe('')
  const document = JSON.parse(stdout) as Document
  expect(document.machine).toEqual({ unchanged: true })
  expect(code).toBe(document.good ? 0 : 1)
  return document
}

/** Everything that the machine has in the way of rules. */
async function wholeRules(machine: Host): Promise<string> {
  const texts: string[] = []
  for (const command of ['nft -s list ruleset', 'iptables-legacy-save', 'ip6tables-legacy-save']) {
    const { stdout } = await machine.run(command.split(' '))
    texts.push(stdout.replaceAll(/^#.*\n/gm, '').replaceAll(/\[\d+:\d+\]/g, '[]'))
  }
  return texts.join('\n')
}

const checksOf = ({ doors }: Document, family: 4 | 6): Readonly<Record<string, string>> =>
  doors[0]!.tried.find((each) => each.family === family)!.checks

const ALL_GOOD = {
  closedBefore: 'yes',
  seen: 'yes',
  opens: 'yes',
  toNobodyElse: 'yes',
  survives: 'yes',
  shuts: 'not tried',
  closes: 'yes',
  restores: 'yes',
  wrongOrder: 'yes',
  slowKnock: 'yes',
  portScan: 'yes',
}

lab('a config that works', () => {
  test(
    'by a code, a list that the daemon makes, or users: each is knocked with what opens it',
    async () => {
      const machine = await makeMachine()
      const secret = scratch('secret')
      const totp: TotpSecret = { key: new Uint8Array(20).fill(5), algorithm: 'SHA1', digits: 8, periodS: 30 }
      writeFileSync(secret, secretUri(totp, 'gate', 'ssh'), { mode: 0o600 })
      const users = scratch('users')
      writeFileSync(users, 'alice 7431,8020:udp,9123\n', { mode: 0o600 })
      const doors = [
        ['code', `Sequence = 6103\nTOTP_Secret_File = ${secret}`],
        ['list', 'One_Time_Sequences = generate\nPublish_To = /nowhere\nPublish_Passphrase_File = /nowhere/pass'],
        ['team', `Users = ${users}`],
      ].map(([name, lines]) => `[${name}]\n${lines}\nSeq_Timeout = 1\nOpen_Ports = tcp/22\nOpen_For = 2s\n`)
      const document = await report(machine, doors.join(''))
      expect(document.doors.map(({ name }) => name)).toEqual(['code', 'list', 'team'])
      for (const { name, tried } of document.doors) {
        expect(tried.map(({ family }) => family)).toEqual([4, 6])
        for (const { checks } of tried) expect(checks, `${name}: ${JSON.stringify(document)}`).toEqual(ALL_GOOD)
      }
      expect(document.findings).toEqual([])
    },
    LIMIT_MS,
  )

  for (const hiding of ['drop', 'reject', 'reset'] as const) {
    test(
      `is all green over both families, behind ${hiding}`,
      async () => {
        const machine = await makeMachine()
        await hidePort(machine, 22, hiding)
        const document = await report(machine, config())
        expect(document.findings).toEqual([])
        expect(checksOf(document, 4)).toEqual(ALL_GOOD)
        expect(checksOf(document, 6)).toEqual(ALL_GOOD)
        expect(document.good).toBe(true)
      },
      LIMIT_MS,
    )
  }

  test(
    'with iptables-legacy, its chains, and matches that nft cannot read back',
    async () => {
      const machine = await makeMachine()
      for (const iptables of ['iptables-legacy', 'ip6tables-legacy']) {
        await machine.run([iptables, '-N', 'gate'])
        await machine.run([iptables, '-A', 'INPUT', '-m', 'state', '--state', 'ESTABLISHED', '-j', 'ACCEPT'])
        await machine.run([iptables, '-A', 'INPUT', '-p', 'tcp', '-m', 'multiport', '--dports', '22,23', '-j', 'gate'])
        await machine.run([iptables, '-A', 'gate', '-j', 'DROP'])
      }
      await machine.run(['iptables', '-A', 'OUTPUT', '-m', 'recent', '--name', 'x', '--rcheck', '-j', 'ACCEPT'])
      const legacy = config({
        start: `iptables-legacy -I gate ${RULE}`,
        stop: `iptables-legacy -D gate ${RULE}`,
        start6: `ip6tables-legacy -I gate ${RULE}`,
        stop6: `ip6tables-legacy -D gate ${RULE}`,
      })
      const document = await report(machine, legacy)
      expect(document.notCopied).toEqual([])
      expect(document.findings).toEqual([])
      expect(checksOf(document, 4)).toEqual(ALL_GOOD)
      expect(checksOf(document, 6)).toEqual(ALL_GOOD)
    },
    LIMIT_MS,
  )

  test(
    'with sets of nftables: the port is that of the rule which asks for the set',
    async () => {
      const machine = await makeMachine()
      await nft(machine, NFT_RULES)
      const document = await report(machine, SET_DOOR)
      expect(document.doors[0]!.ports).toBe('tcp/22')
      expect(document.findings).toEqual([])
      expect(checksOf(document, 4)).toEqual(ALL_GOOD)
    },
    LIMIT_MS,
  )

  test(
    'with ports that the guard opens',
    async () => {
      const machine = await makeMachine()
      const document = await report(
        machine,
        '[ssh]\nSequence = 7301,8822,6103\nSeq_Timeout = 1\nOpen_Ports = tcp/22, udp/6000\nOpen_For = 2\n',
      )
      expect(document.doors[0]!.ports).toBe('tcp/22, udp/6000')
      expect(document.findings).toEqual([])
      expect(checksOf(document, 4)).toEqual(ALL_GOOD)
      expect(checksOf(document, 6)).toEqual(ALL_GOOD)
    },
    LIMIT_MS,
  )
})

const NFT_RULES = `
table inet filter {
  set let_in { type ipv4_addr; flags timeout; }
  set let_in6 { type ipv6_addr; flags timeout; }
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif lo accept
    meta l4proto ipv6-icmp accept
    ip saddr @let_in tcp dport 22 accept
    ip6 saddr @let_in6 tcp dport 22 accept
  }
}
`
const SET_DOOR = `[ssh]
Sequence = 7301,8822,6103
Seq_Timeout = 1
Cmd_Timeout = 2
Start_Command = nft add element inet filter let_in { %IP% }
Stop_Command = nft delete element inet filter let_in { %IP% }
Start_Command_6 = nft add element inet filter let_in6 { %IP% }
Stop_Command_6 = nft delete element inet filter let_in6 { %IP% }
`

lab('mistakes', () => {
  test(
    '-A behind a rule that drops',
    async () => {
      const machine = await makeMachine()
      await hidePort(machine, 22)
      const { findings, doors } = await report(machine, config({ start: `iptables -A INPUT ${RULE}` }))
      expect(findings).toEqual([
        {
          door: 'ssh',
          families: [4],
          line: 5,
          column: 26,
          message:
            'the rule never takes effect: it comes after `-A INPUT -p tcp -m tcp --dport 22 -j DROP` in chain INPUT of iptables, which takes the packets first',
          hint: 'write `-I` for `-A`: it puts the rule first',
        },
      ])
      expect(doors[0]!.tried[0]!.checks).toMatchObject({ seen: 'yes', opens: 'no', restores: 'yes' })
      expect(doors[0]!.tried[1]!.checks).toEqual(ALL_GOOD)
    },
    LIMIT_MS,
  )

  test(
    '-A behind a rule that rejects, in iptables-legacy',
    async () => {
      const machine = await makeMachine()
      await machine.run(['iptables-legacy', '-A', 'INPUT', '-p', 'tcp', '--dport', '22', '-j', 'REJECT'])
      const { findings } = await report(
        machine,
        config({ start: `iptables-legacy -A INPUT ${RULE}`, stop: `iptables-legacy -D INPUT ${RULE}` }),
        '--door',
        'ssh',
      )
      const finding = findings.find(({ families }) => families.includes(4))
      expect(finding).toMatchObject({ line: 5, column: 33 })
      expect(finding!.message).toContain('after `-A INPUT -p tcp -m tcp --dport 22 -j REJECT')
    },
    LIMIT_MS,
  )

  test(
    'no rule for established connections',
    async () => {
      const machine = await makeMachine()
      for (const iptables of ['iptables', 'ip6tables']) {
        await machine.run([iptables, '-A', 'INPUT', '-p', 'tcp', '--dport', '22', '-j', 'DROP'])
      }
      const document = await report(machine, config())
      expect(checksOf(document, 4)).toEqual({ ...ALL_GOOD, survives: 'no' })
      expect(checksOf(document, 6)).toEqual({ ...ALL_GOOD, survives: 'no' })
      expect(document.findings.map(({ line }) => line)).toEqual([6, 8])
      expect(document.findings[0]!.message).toMatch(
        /^a session dies at the deadline: `-A INPUT .*-j DROP` in chain INPUT/,
      )
      expect(document.findings[0]!.hint).toBe('iptables -I INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT')
      expect(document.findings[1]!.hint).toMatch(/^ip6tables -I/)
    },
    LIMIT_MS,
  )

  test(
    'a chain that does not exist',
    async () => {
      const machine = await makeMachine()
      await hidePort(machine, 22)
      const { findings } = await report(
        machine,
        config({ start: `iptables -I INPUTU ${RULE}`, stop: `iptables -D INPUTU ${RULE}` }),
      )
      expect(findings).toMatchObject([
        {
          families: [4],
          line: 5,
          column: 29,
          message: 'iptables has no chain `INPUTU`',
          hint: 'did you mean `INPUT`?',
        },
      ])
    },
    LIMIT_MS,
  )

  test(
    'a wrong path to iptables',
    async () => {
      const machine = await makeMachine()
      await hidePort(machine, 22)
      const { findings } = await report(machine, config({ start: `/usr/local/bin/iptables -I INPUT ${RULE}` }))
      expect(findings).toMatchObject([
        {
          families: [4],
          line: 5,
          column: 17,
          message: 'there is no program `/usr/local/bin/iptables` on this machine',
        },
      ])
      expect(findings[0]!.hint).toMatch(/^write `\/.*\/iptables`$/)
    },
    LIMIT_MS,
  )

  test(
    'a stop command that removes another rule',
    async () => {
      const machine = await makeMachine()
      await hidePort(machine, 22)
      await machine.run(['iptables', '-I', 'INPUT', '-p', 'tcp', '--dport', '2222', '-j', 'ACCEPT'])
      const document = await report(machine, config({ stop: 'iptables -D INPUT -p tcp --dport 2222 -j ACCEPT' }))
      expect(checksOf(document, 4)).toEqual({ ...ALL_GOOD, closes: 'no', restores: 'no' })
      expect(checksOf(document, 6)).toEqual(ALL_GOOD)
      const [finding, ...more] = document.findings
      expect(more).toEqual([])
      expect(finding).toMatchObject({ families: [4], line: 6 })
      expect(finding!.message).toContain('`-A INPUT -s %IP%/32 -p tcp -m tcp --dport 22 -j ACCEPT` stays in iptables')
      expect(finding!.message).toContain('and removes `-A INPUT -p tcp -m tcp --dport 2222 -j ACCEPT` of this machine')
    },
    LIMIT_MS,
  )

  test(
    'rules for IPv4 only: the port is open over IPv6',
    async () => {
      const machine = await makeMachine()
      await machine.run('iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'.split(' '))
      await machine.run(['iptables', '-A', 'INPUT', '-p', 'tcp', '--dport', '22', '-j', 'DROP'])
      const document = await report(machine, config())
      expect(checksOf(document, 4)).toEqual(ALL_GOOD)
      expect(checksOf(document, 6)).toMatchObject({ closedBefore: 'no', opens: 'not tried' })
      expect(document.findings).toMatchObject([{ families: [6], line: 1 }])
      expect(document.findings[0]!.message).toContain('open to everyone over IPv6 without any knock')
    },
    LIMIT_MS,
  )

  test(
    'commands for IPv4 only: the port stays shut over IPv6',
    async () => {
      const machine = await makeMachine()
      await hidePort(machine, 22)
      const document = await report(machine, config({ start6: undefined, stop6: undefined }))
      expect(checksOf(document, 4)).toEqual(ALL_GOOD)
      expect(checksOf(document, 6)).toMatchObject({ closedBefore: 'yes', seen: 'yes', opens: 'no' })
      expect(document.findings).toMatchObject([{ families: [6], line: 5 }])
      expect(document.findings[0]!.hint).toContain(`Start_Command_6 = ip6tables -I INPUT ${RULE}`)
    },
    LIMIT_MS,
  )

  test(
    'a typographic dash',
    async () => {
      const machine = await makeMachine()
      await hidePort(machine, 22)
      const { findings } = await report(
        machine,
        config({ start: `iptables -I INPUT ${RULE}`.replace('--dport', '–dport') }),
      )
      expect(findings).toMatchObject([{ families: [4], line: 5, column: 50, hint: 'write `--dport`' }])
      expect(findings[0]!.message).toMatch(/^typographic dash <U\+2013> in the command/)
    },
    LIMIT_MS,
  )

  test(
    'a rule in a table that does not have the last word',
    async () => {
      const machine = await makeMachine()
      await nft(machine, NFT_RULES)
      const { findings } = await report(machine, config({ start6: '', stop6: '' }))
      expect(findings).toMatchObject([{ families: [4], line: 5 }])
      expect(findings[0]!.message).toContain('`policy drop` in chain input of table inet filter')
    },
    LIMIT_MS,
  )

  test(
    'a scan guard that is switched off, before a sequence that ascends',
    async () => {
      const machine = await makeMachine()
      await hidePort(machine, 22)
      const text = `${config().replace(/Sequence = .*/, 'Sequence = 7301,7302,7303')}[options]\nScan_Ports = 0\n`
      const document = await report(machine, text)
      expect(checksOf(document, 4)).toEqual({ ...ALL_GOOD, portScan: 'no' })
      expect(document.findings).toMatchObject([{ families: [4, 6], line: 10, message: 'a port scan opens it' }])
    },
    LIMIT_MS,
  )
})

lab('what a rehearsal keeps its hands off', () => {
  test(
    'files, logs, state and one-time lists; and doors that reach further are not run',
    async () => {
      const machine = await makeMachine()
      await hidePort(machine, 22)
      const [log, note, list, state] = [
        scratch('log'),
        scratch('note'),
        writeConfig(' 7301,8822\n 7401,8422\n'),
        scratch('state'),
      ]
      const text = [
        '[options]',
        `LogFile = ${log}`,
        `StateDir = ${state}`,
        '[once]',
        `One_Time_Sequences = ${list}`,
        `Start_Command = echo %IP% >> ${note}; iptables -I INPUT ${RULE}`,
        'Start_Command_6 =',
        '[asks]',
        'Sequence = 9301,9302,9303',
        'Start_Command = firewall-cmd --add-port=22/tcp',
      ].join('\n')
      const document = await report(machine, text)
      expect(checksOf(document, 4)).toMatchObject({ closedBefore: 'yes', opens: 'yes', toNobodyElse: 'yes' })
      expect(document.doors[1]!.tried).toEqual([])
      expect(document.doors[1]!.notes[0]).toMatch(/^not tried: `firewall-cmd` asks firewalld/)
      expect(document.good).toBe(false)
      for (const path of [log, note, state]) expect(existsSync(path), path).toBe(false)
      expect(readFileSync(list, 'utf8')).toBe(' 7301,8822\n 7401,8422\n')
    },
    LIMIT_MS,
  )

  for (const signal of ['SIGKILL', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    test(
      `the machine and its processes, ended by ${signal} in the middle`,
      async () => {
        const machine = await makeMachine()
        await hidePort(machine, 22)
        const before = await wholeRules(machine)
        const links = await machine.ip('link show')
        const mark = `rehearsal-${process.pid}-${signal}`
        const argv = [process.execPath, program('postern'), 'rehearse', '-c', writeConfig(config())]
        const rehearsal = machine.start(argv, { env: { POSTERN_TEST_MARK: mark } })
        await rehearsal.line(/ssh, IPv4/, RUN_LIMIT_MS)
        expect(marked(mark).length).toBeGreaterThan(2)
        rehearsal.kill(signal)
        const exit = await rehearsal.ended
        await until('its processes have ended', () => marked(mark).length === 0)
        expect(await wholeRules(machine)).toBe(before)
        expect(await machine.ip('link show')).toBe(links)
        if (signal === 'SIGKILL') return
        expect(exit.code).toBe({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal])
        expect(rehearsal.stdout).toMatch(/this machine's rules are unchanged +yes/)
        expect(rehearsal.stdout).toContain(`the rehearsal broke off: ended by ${signal}`)
      },
      LIMIT_MS,
    )
  }
})

/** Processes that were started with a mark in their environment. */
function marked(mark: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`POSTERN_TEST_MARK=${mark}`)
    } catch {
      return false
    }
  })
}

lab('what it prints', () => {
  test(
    'a table for people',
    async () => {
      const machine = await makeMachine()
      await hidePort(machine, 22)
      const { code, stdout } = await rehearse(machine, config())
      expect(code).toBe(0)
      expect(
        stdout
          .replaceAll(/\d+\.\d ms/g, '# ms')
          .replaceAll(/ +/g, ' ')
          .replaceAll(/\S*knockd\.conf/g, 'FILE'),
      ).toBe(`\
rehearsal of FILE
 on a copy of this machine's rules: iptables 2 rules, ip6tables 2 rules
 at eth0: 192.0.2.1, 2001:db8::1

ssh (line 1), tcp/22 IPv4 IPv6
 closed before the knock yes yes
 the knock is seen yes yes
 opens after the knock yes, # ms yes, # ms
 opens to nobody else yes yes
 an established connection survives yes yes
 closed after the deadline, 2 s yes yes
 leaves the rules as they were yes yes
 a wrong order does not open it yes yes
 a slow knock does not open it yes yes
 a port scan does not open it yes yes

this machine's rules are unchanged yes

FILE: 1 door, nothing found
`)
    },
    LIMIT_MS,
  )
})
