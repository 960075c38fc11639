// Goal: the description of a stanza says exactly what it can have at its door.
import { valueOf } from '../../text/read.ts'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Door } from '../../config/config.ts'
import { readConfig } from '../../config/read.ts'
import { readServices } from '../../config/service.ts'
import { servicesFor } from '../../secret/door-bounds.ts'
import { forwardsOf } from '../../firewall/guard/plan.ts'
import { formatAddress, parseAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { grant, readAccess } from './access.ts'
import type { Stanza } from './access.ts'
import { allowedBy, allowedText, faultsAtDoor } from './allowed.ts'
import { formatPort, readPorts } from './request.ts'

const OWN = parseAddress('203.0.113.1')!
const isOwn = (address: Address): boolean => formatAddress(address) === formatAddress(OWN)

function door(...lines: readonly string[]): Door {
  const text = ['[fw]', 'SPA = fwknop', 'Access_File = /x', ...lines].join('\n')
  const { config, faults: found } = readConfig(text, 'test')
  expect(found.filter(({ severity }) => severity === 'error')).toEqual([])
  return config!.doors[0]!
}

function stanza(...lines: readonly string[]): Stanza {
  return readAccess(['SOURCE ANY', 'KEY a phrase', 'HMAC_KEY another', ...lines].join('\n')).stanzas[0]!
}

/** The parts of a stanza that have no effect at a door, a line each. */
const faults = (doorLines: readonly string[], stanzaLines: readonly string[]): readonly string[] =>
  faultsAtDoor(door(...doorLines), stanza(...stanzaLines), isOwn).map(
    ({ line, message, hint }) => `${line}: ${message}: ${hint}`,
  )

/** The ports that the description leaves out of a range. */
const except = (text: string): readonly string[] => /but not (.*)/.exec(text)?.[1]?.split(', ') ?? []

describe('the description in words', () => {
  test.each([
    [['Open_Ports = tcp/22, udp/53'], [], 'opens tcp/22, udp/53; forwards to nothing; runs nothing'],
    [['Open_Ports = tcp/22'], ['OPEN_PORTS tcp/22,tcp/80'], 'opens tcp/22; forwards to nothing; runs nothing'],
    [
      ['Open_Ports = tcp/20-30'],
      ['RESTRICT_PORTS tcp/25,tcp/80'],
      'opens tcp/20-30, but not tcp/25; forwards to nothing; runs nothing',
    ],
    [
      ['Open_Ports = tcp/22', 'Forward_To = tcp/8080, tcp/22@192.168.1.9'],
      [],
      'opens tcp/22; forwards to tcp/8080, tcp/22@192.168.1.9; runs nothing',
    ],
    [
      ['Open_Ports = tcp/22', 'Forward_To = tcp/8080, tcp/1-100@192.168.1.9'],
      ['OPEN_PORTS tcp/22'],
      'opens tcp/22; forwards to tcp/22@192.168.1.9; runs nothing',
    ],
    [
      ['Open_Ports = tcp/22', 'Forward_To = tcp/8080'],
      ['FORCE_NAT 203.0.113.1 8080'],
      'opens tcp/22; forwards to tcp/8080; runs nothing',
    ],
    [['Open_Ports = tcp/22'], ['FORCE_NAT 203.0.113.1 8080'], 'opens tcp/22; forwards to nothing; runs nothing'],
    [['Start_Command = true'], [], 'opens any port; forwards to nothing; runs Start_Command'],
    [
      ['Open_Ports = tcp/22'],
      ['ENABLE_CMD_EXEC Y', 'CMD_EXEC_USER nobody'],
      'opens tcp/22; forwards to nothing; runs any command as nobody',
    ],
    [
      ['Open_Ports = tcp/22'],
      ['ENABLE_CMD_EXEC Y'],
      'opens tcp/22; forwards to nothing; runs any command as the user of the daemon',
    ],
    [
      ['Open_Ports = tcp/22', 'Forward_To = tcp/8080'],
      ['CMD_CYCLE_OPEN /bin/true', 'CMD_CYCLE_CLOSE NONE'],
      'opens tcp/22; forwards to nothing; runs CMD_CYCLE_OPEN',
    ],
    [['Open_Ports = tcp/22'], ['OPEN_PORTS tcp/80'], 'opens nothing; forwards to nothing; runs nothing'],
  ])('%j, %j', (doorLines, stanzaLines, said) => {
    expect(allowedText(allowedBy(door(...doorLines), stanza(...stanzaLines), isOwn))).toBe(said)
  })

  test('parts without effect are reported', () => {
    const forced = ['OPEN_PORTS tcp/22', 'FORCE_NAT 203.0.113.1 8080']
    expect(faults(['Open_Ports = tcp/22'], forced)).toEqual([
      '5: door fw does not forward to the target of FORCE_NAT: packets of this stanza are refused: add `Forward_To = tcp/8080` to the door, if you mean it',
    ])
    expect(faults(['Open_Ports = tcp/22', 'Forward_To = tcp/8080'], forced)).toEqual([])
    expect(faults(['Open_Ports = tcp/80'], ['OPEN_PORTS tcp/22'])).toEqual([
      '1: this stanza opens nothing at door fw: none of its ports is in Open_Ports: add them to Open_Ports, or to OPEN_PORTS',
    ])
    const cycle = [...forced, 'CMD_CYCLE_OPEN /bin/true', 'CMD_CYCLE_CLOSE NONE']
    expect(faults(['Open_Ports = tcp/22'], cycle)).toEqual([
      '5: FORCE_NAT has no effect beside CMD_CYCLE_OPEN: delete the line',
    ])
  })
})

describe('the description agrees with the grants', () => {
  const PORTS = ['tcp/22', 'tcp/25', 'tcp/80', 'udp/53']
  const some = fc.subarray(PORTS, { minLength: 1 })
  const targets = fc.subarray(['tcp/22', 'tcp/80', 'udp/53', 'tcp/22@192.168.1.9', 'tcp/25@192.168.1.9'])
  const hosts = ['203.0.113.1', '127.0.0.1', '192.168.1.9', '192.168.1.8']

  test('for every port and every target of a forward', () => {
    fc.assert(
      fc.property(some, targets, fc.option(some), fc.option(some), (opens, to, openPorts, restrictPorts) => {
        const gate = door(`Open_Ports = ${opens.join()}`, ...(to.length === 0 ? [] : [`Forward_To = ${to.join()}`]))
        const keys = stanza(
          ...(openPorts === null ? [] : [`OPEN_PORTS ${openPorts.join()}`]),
          ...(restrictPorts === null ? [] : [`RESTRICT_PORTS ${restrictPorts.join()}`]),
        )
        const said = allowedBy(gate, keys, isOwn)
        const denied = new Set(said.opens.flatMap(except))
        const listed = said.opens.filter((text) => !text.startsWith('but')).filter((text) => !denied.has(text))
        const source = parseAddress('198.51.100.7')!
        const asked = { source, destination: OWN, now: 0, maxAgeMs: undefined, isOwn, forwardTo: forwardsOf(gate) }
        const granted = (port: string, nat?: { host: string; port: number; local: boolean }): boolean => {
          const ports = readPorts(port)!
          const request = { kind: 'access', address: source, ports, timeoutS: 0, nat } as const
          const found = grant(keys, { user: 'x', timestamp: 0, replayDigest: '', request }, asked)
          return !('refusal' in found) && found.kind === 'access' && servicesFor(gate, found.ports) !== undefined
        }
        for (const port of PORTS) expect(granted(port), port).toBe(listed.includes(port))
        const reached = new Set<string>()
        for (const outer of PORTS.filter((port) => granted(port))) {
          for (const host of hosts) {
            for (const inner of readPorts(PORTS.join())!) {
              if (!granted(outer, { host, port: inner.port, local: false })) continue
              const { protocol } = readPorts(outer)![0]!
              const at = isOwn(parseAddress(host)!) || host === '127.0.0.1' ? '' : `@${host}`
              reached.add(`${formatPort({ protocol, port: inner.port })}${at}`)
            }
          }
        }
        const places = said.sentOn.filter((text) => except(text).length === 0)
        for (const place of reached) expect(places).toContain(place)
        // The other direction: each described target is reached, if a port of its protocol opens.
        for (const place of places) {
          const [service] = valueOf(readServices(place))!
          if (listed.some((port) => readPorts(port)![0]!.protocol === service!.protocol)) {
            expect([...reached]).toContain(place)
          }
        }
      }),
    )
  })
})
