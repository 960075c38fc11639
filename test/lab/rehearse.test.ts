// Goal: a rehearsal shows on a copy of the machine's rules what a config does, names each mistake that people make with
// the line that is at fault, and leaves the machine itself as it was, whatever happens. A host of the lab plays the machine.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { TotpSecret } from '../../src/totp/code.ts'
import { secretUri } from '../../src/totp/secret-text.ts'
import { slowly } from '../slow.ts'
import { hidePort, nft } from './firewall.ts'
import { program } from './knockd.ts'
import { lab } from './net.ts'
import { until } from './process.ts'
import {
  ALL_GOOD,
  LIMIT_MS,
  NFT_RULES,
  RULE,
  RUN_LIMIT_MS,
  checksOf,
  config,
  configOf,
  makeMachine,
  rehearse,
  report,
  wholeRules,
} from './rehearsed.ts'
import type { Commands } from './rehearsed.ts'
import { scratch, writeConfig } from './scratch.ts'

/** Commands for both families of a door for a port. */
function commandsFor(port: number): Commands {
  const rule = RULE.replace('22', String(port))
  const [start, stop] = [`iptables -I INPUT ${rule}`, `iptables -D INPUT ${rule}`]
  return { start, stop, start6: start.replace('ip', 'ip6'), stop6: stop.replace('ip', 'ip6') }
}

lab('a config that works', () => {
  test(
    'by a code, a list that the daemon makes, users, for two ports, or by a ping: each is knocked with what opens it',
    async () => {
      const machine = await makeMachine()
      const secret = scratch('secret')
      const totp: TotpSecret = { key: new Uint8Array(20).fill(5), algorithm: 'SHA1', digits: 8, periodS: 30 }
      writeFileSync(secret, secretUri(totp, 'gate', 'ssh'), { mode: 0o600 })
      const users = scratch('users')
      writeFileSync(users, 'alice 7431,8020:udp/32,9123\n', { mode: 0o600 })
      const doors = [
        ['code', `Sequence = 6103\nTOTP_Secret_File = ${secret}`],
        ['list', 'One_Time_Sequences = generate\nPublish_To = /nowhere\nPublish_Passphrase_File = /nowhere/pass'],
        ['team', `Users = ${users}`],
        ['two', 'Sequence = 7301,8822,6104', 'tcp/22, udp/6000'],
        ['ping', 'Sequence = 24511,icmp/419,41217:udp/32'],
      ].map(
        ([name, lines, ports = 'tcp/22']) =>
          `[${name}]\n${lines}\nSeq_Timeout = 1\nOpen_Ports = ${ports}\nOpen_For = 2s\n`,
      )
      const document = await report(machine, doors.join(''))
      expect(document.doors.map(({ name }) => name)).toEqual(['code', 'list', 'team', 'two', 'ping'])
      expect(document.doors[3]!.ports).toBe('tcp/22, udp/6000')
      for (const { name, tried } of document.doors) {
        expect(tried.map(({ family }) => family)).toEqual([4, 6])
        for (const { checks } of tried) expect(checks, `${name}: ${JSON.stringify(document)}`).toEqual(ALL_GOOD)
      }
      expect(document.findings).toEqual([])
    },
    LIMIT_MS,
  )

  test(
    'is all green over both families, behind rules that drop, reject and reset',
    async () => {
      const machine = await makeMachine()
      const ports = { drop: 22, reject: 23, reset: 24 }
      for (const hiding of ['drop', 'reject', 'reset'] as const) await hidePort(machine, ports[hiding], hiding)
      const document = await report(
        machine,
        configOf(Object.fromEntries(Object.entries(ports).map(([hiding, port]) => [hiding, commandsFor(port)]))),
      )
      expect(document.findings).toEqual([])
      for (const [hiding, port] of Object.entries(ports)) {
        expect(document.doors.find(({ name }) => name === hiding)!.ports).toBe(`tcp/${port}`)
        for (const family of [4, 6] as const) expect(checksOf(document, family, hiding), hiding).toEqual(ALL_GOOD)
      }
      expect(document.good).toBe(true)
    },
    LIMIT_MS,
  )

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
})

const SET_DOOR = `[ssh]
Sequence = 7301,8822,6103
Seq_Timeout = 1
Cmd_Timeout = 2
Start_Command = nft add element inet filter let_in { %IP% }
Stop_Command = nft delete element inet filter let_in { %IP% }
Start_Command_6 = nft add element inet filter let_in6 { %IP% }
Stop_Command_6 = nft delete element inet filter let_in6 { %IP% }
`

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
    const ended = signal === 'SIGKILL' || signal === 'SIGTERM' ? test : slowly
    ended(
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
