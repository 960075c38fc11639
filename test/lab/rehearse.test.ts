// Goal: a rehearsal shows on a copy of the machine's rules what a config does, names each mistake that people make with
// the line that is at fault, and leaves the machine itself as it was, whatever happens. A host of the lab plays the machine.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { TotpSecret } from '../../src/totp/code.ts'
import { secretUri } from '../../src/totp/secret-text.ts'
import { slowly } from '../slow.ts'
import { hidePort, nft } from './firewall.ts'
import { program } from './knockd.ts'
import { SERVER_4, SERVER_6, lab } from './net.ts'
import { until } from './process.ts'
import {
  ALL_GOOD,
  LIMIT_MS,
  NFT_RULES,
  RULE,
  RUN_LIMIT_MS,
  checksOf,
  config,
  makeMachine,
  once,
  rehearse,
  report,
  wholeRules,
} from './rehearsed.ts'
import { scratch, writeConfig } from './scratch.ts'

/** A door that is tried over one family alone, by the address that is knocked at: in half the time. */
const doorOf = (name: string, target: string, ...lines: readonly string[]): string =>
  [`[${name}]`, ...lines, `Target = ${target}`, 'Seq_Timeout = 1', 'Cmd_Timeout = 2', ''].join('\n')

lab('every kind of secret, and what a rehearsal keeps its hands off', { concurrent: true }, () => {
  const [log, note, state] = [scratch('log'), scratch('note'), scratch('state')]
  const LIST = ' 7501,8522\n 7601,8622\n'
  const all = once(async () => {
    const machine = await makeMachine()
    await hidePort(machine, 24)
    const secret = scratch('secret')
    const totp: TotpSecret = { key: new Uint8Array(20).fill(5), algorithm: 'SHA1', digits: 8, periodS: 30 }
    writeFileSync(secret, secretUri(totp, 'gate', 'ssh'), { mode: 0o600 })
    const users = scratch('users')
    writeFileSync(users, 'alice 7431,8020:udp/32,9123\n', { mode: 0o600 })
    const list = writeConfig(LIST)
    const open = 'Open_Ports = tcp/22'
    const published = 'Publish_To = /nowhere\nPublish_Passphrase_File = /nowhere/pass'
    const doors = [
      doorOf('code', SERVER_4, 'Sequence = 6103', `TOTP_Secret_File = ${secret}`, open),
      doorOf('list', SERVER_6, 'One_Time_Sequences = generate', published, open),
      doorOf('team', SERVER_6, `Users = ${users}`, open),
      doorOf('two', SERVER_4, 'Sequence = 7301,8822,6104', 'Open_Ports = tcp/22, udp/6000'),
      doorOf('ping', SERVER_6, 'Sequence = 24511,icmp/419,41217:udp/32', open),
      doorOf(
        'once',
        SERVER_4,
        `One_Time_Sequences = ${list}`,
        `Start_Command = echo %IP% >> ${note}; iptables -I INPUT ${RULE.replace('22', '24')}`,
      ),
      doorOf('asks', SERVER_4, 'Sequence = 9301,9302,9303', 'Start_Command = firewall-cmd --add-port=22/tcp'),
    ]
    const options = `[options]\nLogFile = ${log}\nStateDir = ${state}\n`
    return { list, document: await report(machine, `${options}${doors.join('')}`) }
  })

  test(
    'by a code, a list that the daemon makes, users, for two ports, or by a ping: each is knocked with what opens it',
    async () => {
      const { document } = await all()
      expect(document.doors.map(({ name }) => name)).toEqual(['code', 'list', 'team', 'two', 'ping', 'once', 'asks'])
      expect(document.doors[3]!.ports).toBe('tcp/22, udp/6000')
      for (const { name, tried } of document.doors.slice(0, 5)) {
        expect(tried).toHaveLength(1)
        for (const { checks } of tried) expect(checks, `${name}: ${JSON.stringify(document)}`).toEqual(ALL_GOOD)
      }
      expect(document.findings).toEqual([])
    },
    LIMIT_MS,
  )

  test(
    'files, logs, state and one-time lists are left alone; and doors that reach further are not run',
    async () => {
      const { document, list } = await all()
      expect(checksOf(document, 4, 'once')).toMatchObject({ closedBefore: 'yes', opens: 'yes', toNobodyElse: 'yes' })
      const asks = document.doors.find(({ name }) => name === 'asks')!
      expect(asks.tried).toEqual([])
      expect(asks.notes[0]).toMatch(/^not tried: `firewall-cmd` asks firewalld/)
      expect(document.good).toBe(false)
      for (const path of [log, note, state]) expect(existsSync(path), path).toBe(false)
      expect(readFileSync(list, 'utf8')).toBe(LIST)
    },
    LIMIT_MS,
  )
})

/** A door of commands that insert and delete a rule for a port. */
const byRule = (name: string, target: string, iptables: string, port: number, chain = 'INPUT'): string => {
  const rule = RULE.replace('22', String(port))
  const commands = [`Start_Command = ${iptables} -I ${chain} ${rule}`, `Stop_Command = ${iptables} -D ${chain} ${rule}`]
  return doorOf(name, target, `Sequence = ${7300 + port},8822:udp,6103`, ...commands)
}

const SET_DOOR = doorOf(
  'sets',
  SERVER_4,
  'Sequence = 7301,8822,6103',
  'Start_Command = nft add element inet filter let_in { %IP% }',
  'Stop_Command = nft delete element inet filter let_in { %IP% }',
)

/** What is printed of a door that works, for people. */
const good = (name: string, line: number, port: number, family: 4 | 6): string => `
${name} (line ${line}), tcp/${port} IPv${family}
 closed before the knock yes
 the knock is seen yes
 opens after the knock yes, # ms
 opens to nobody else yes
 an established connection survives yes
 closed after the deadline, 2 s yes
 leaves the rules as they were yes
 a wrong order does not open it yes
 a slow knock does not open it yes
 a port scan does not open it yes
`

lab('a config that works', { concurrent: true }, () => {
  test(
    'is all green behind rules that drop, reject and reset, with iptables-legacy and its chains, and with sets of nftables',
    async () => {
      const machine = await makeMachine()
      await nft(machine, NFT_RULES.replace('ip saddr @let_in', 'tcp dport 23-26 accept\n    ip saddr @let_in'))
      await hidePort(machine, 23, 'drop')
      await hidePort(machine, 24, 'reject')
      await hidePort(machine, 25, 'reset')
      await machine.run(['ip6tables-legacy', '-N', 'gate'])
      await machine.run(['ip6tables-legacy', '-A', 'INPUT', '-m', 'state', '--state', 'ESTABLISHED', '-j', 'ACCEPT'])
      await machine.run('ip6tables-legacy -A INPUT -p tcp -m multiport --dports 26,27 -j gate'.split(' '))
      await machine.run(['ip6tables-legacy', '-A', 'gate', '-j', 'DROP'])
      // nft cannot read this match back.
      await machine.run(['iptables', '-A', 'OUTPUT', '-m', 'recent', '--name', 'x', '--rcheck', '-j', 'ACCEPT'])
      const doors = [
        byRule('drop', SERVER_4, 'iptables', 23),
        byRule('reject', SERVER_6, 'ip6tables', 24),
        byRule('reset', SERVER_4, 'iptables', 25),
        byRule('legacy', SERVER_6, 'ip6tables-legacy', 26, 'gate'),
        SET_DOOR,
      ]
      const { code, stdout } = await rehearse(machine, doors.join(''))
      const [ports, names] = [
        [23, 24, 25, 26, 22],
        ['drop', 'reject', 'reset', 'legacy', 'sets'],
      ]
      const tables = names.map((name, index) => good(name, 1 + 7 * index, ports[index]!, index % 2 === 0 ? 4 : 6))
      expect(
        stdout
          .replaceAll(/\d+\.\d ms/g, '# ms')
          .replaceAll(/ +/g, ' ')
          .replaceAll(/\S*knockd\.conf/g, 'FILE'),
      ).toBe(`\
rehearsal of FILE
 on a copy of this machine's rules: iptables 7 rules, ip6tables 6 rules, ip6tables-legacy 3 rules, nft 1 table
 at eth0: 192.0.2.1, 2001:db8::1
${tables.join('')}
this machine's rules are unchanged yes

FILE: 5 doors, nothing found
`)
      expect(code).toBe(0)
    },
    LIMIT_MS,
  )
})

lab('a rehearsal that is ended', { concurrent: true }, () => {
  for (const signal of ['SIGKILL', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const ended = signal === 'SIGKILL' || signal === 'SIGTERM' ? test : slowly
    ended(
      `by ${signal} in the middle: the machine's rules are as before, and its processes are gone`,
      async () => {
        // Over one family, which is a copy of the machine less.
        const machine = await makeMachine([`${SERVER_4}/24`])
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
