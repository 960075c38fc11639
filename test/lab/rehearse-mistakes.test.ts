// Goal: that of rehearse.test.ts, for mistakes that people make: each is named with the line that is at fault.
import { expect, test } from 'vitest'
import { slowly } from '../slow.ts'
import { hidePort, nft } from './firewall.ts'
import { SERVER_4, SERVER_6, lab } from './net.ts'
import { ALL_GOOD, LIMIT_MS, NFT_RULES, RULE, checksOf, config, configOf, makeMachine, report } from './rehearsed.ts'
import type { Finding } from './rehearsed.ts'

lab('mistakes', { concurrent: true }, () => {
  test(
    'in commands of doors for one port',
    async () => {
      const machine = await makeMachine()
      await hidePort(machine, 22)
      await machine.run(['iptables', '-I', 'INPUT', '-p', 'tcp', '--dport', '2222', '-j', 'ACCEPT'])
      const text = configOf({
        behind: { target: SERVER_4, start: `iptables -A INPUT ${RULE}` },
        chain: { target: SERVER_6, start6: `ip6tables -I INPUTU ${RULE}`, stop6: `ip6tables -D INPUTU ${RULE}` },
        path: { target: SERVER_4, start: `/usr/local/bin/iptables -I INPUT ${RULE}` },
        dash: { target: SERVER_6, start6: `ip6tables -I INPUT ${RULE}`.replace('--dport', '–dport') },
        four: { target: SERVER_6, start6: undefined, stop6: undefined },
        stop: { target: SERVER_4, stop: 'iptables -D INPUT -p tcp --dport 2222 -j ACCEPT' },
      })
      const document = await report(machine, text)
      const lines = text.split('\n')
      const found = (name: string): readonly Finding[] => {
        const begin = lines.indexOf(`[${name}]`)
        const findings = document.findings.filter(({ door }) => door === name)
        return findings.map((each) => Object.assign(structuredClone(each), { line: each.line - begin }))
      }

      expect(found('behind'), '-A behind a rule that drops').toEqual([
        {
          door: 'behind',
          families: [4],
          line: 5,
          column: 26,
          message:
            'the rule never takes effect: it comes after `-A INPUT -p tcp -m tcp --dport 22 -j DROP` in chain INPUT of iptables, which takes the packets first',
          hint: 'write `-I` for `-A`: it puts the rule first',
        },
      ])
      expect(checksOf(document, 4, 'behind')).toMatchObject({ seen: 'yes', opens: 'no', restores: 'yes' })

      expect(found('chain'), 'a chain that does not exist').toMatchObject([
        {
          families: [6],
          line: 7,
          column: 32,
          message: 'ip6tables has no chain `INPUTU`',
          hint: 'did you mean `INPUT`?',
        },
      ])

      expect(found('path'), 'a wrong path to iptables').toMatchObject([
        {
          families: [4],
          line: 5,
          column: 17,
          message: 'there is no program `/usr/local/bin/iptables` on this machine',
        },
      ])
      expect(found('path')[0]!.hint).toMatch(/^write `\/.*\/iptables`$/)

      expect(found('dash'), 'a typographic dash').toMatchObject([
        { families: [6], line: 7, column: 53, hint: 'write `--dport`' },
      ])
      expect(found('dash')[0]!.message).toMatch(/^typographic dash <U\+2013> in the command/)

      expect(found('four'), 'commands for IPv4 only: the port stays shut over IPv6').toMatchObject([
        { families: [6], line: 5 },
      ])
      expect(checksOf(document, 6, 'four')).toMatchObject({ closedBefore: 'yes', seen: 'yes', opens: 'no' })
      expect(found('four')[0]!.hint).toContain(`Start_Command_6 = ip6tables -I INPUT ${RULE}`)

      const [finding, ...more] = found('stop')
      expect(more, 'a stop command that removes another rule').toEqual([])
      expect(checksOf(document, 4, 'stop')).toEqual({ ...ALL_GOOD, closes: 'no', restores: 'no' })
      expect(finding).toMatchObject({ families: [4], line: 6 })
      expect(finding!.message).toContain('`-A INPUT -s %IP%/32 -p tcp -m tcp --dport 22 -j ACCEPT` stays in iptables')
      expect(finding!.message).toContain('and removes `-A INPUT -p tcp -m tcp --dport 2222 -j ACCEPT` of this machine')
    },
    LIMIT_MS,
  )

  slowly(
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

  // doctor.test.ts has the same.
  slowly(
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

  // doctor.test.ts has the same.
  slowly(
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
    'a rule in a table that does not have the last word; a scan guard that is switched off, before a sequence that ascends',
    async () => {
      const machine = await makeMachine([`${SERVER_4}/24`])
      await nft(machine, NFT_RULES)
      const set = '{ %IP% }'
      const doors = {
        ssh: { start6: '', stop6: '' },
        ascending: {
          start: `nft add element inet filter let_in ${set}`,
          stop: `nft delete element inet filter let_in ${set}`,
        },
      }
      const text = configOf(doors).replace('Sequence = 7302,8822:udp,6103', 'Sequence = 7302,7303,7304')
      const document = await report(machine, `${text}[options]\nScan_Ports = 0\n`)
      const of = (name: string): readonly Finding[] => document.findings.filter(({ door }) => door === name)
      const [word] = of('ssh')
      expect(word).toMatchObject({ families: [4], line: 5 })
      expect(word!.message).toContain('`policy drop` in chain input of table inet filter')
      expect(checksOf(document, 4, 'ascending')).toEqual({ ...ALL_GOOD, portScan: 'no' })
      expect(of('ascending')).toMatchObject([{ line: 18, message: 'a port scan opens it' }])
    },
    LIMIT_MS,
  )
})
