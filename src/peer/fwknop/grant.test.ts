// Goal: a stanza grants what fwknopd would, and nothing else. Each check has the packet that just passes and the one
// that just does not. Nothing opens that the stanza does not have, whatever the packet asks for.
import { valueOf } from '../../text/read.ts'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasPort, readServices } from '../../config/service.ts'
import { formatAddress, parseAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { grant, matches, readAccess } from './access.ts'
import type { Asked, Grant, Stanza } from './access.ts'
import { cycleArguments } from './cycle.ts'
import type { Spa } from './open.ts'
import { readNatTarget, readPorts } from './request.ts'
import type { Request } from './request.ts'

const at = (text: string): Address => parseAddress(text)!
const NOW_S = 1_700_000_000
const CLIENT = at('198.51.100.7')
const SERVER = at('203.0.113.1')
/** Another address of the machine, the broadcast address of its network, and an IPv6 address of the machine. */
const OWN = new Set(['203.0.113.200', '203.0.113.255', '2001:db8::1'])
/** The targets to which the door may forward connections. */
const FORWARD_TO = valueOf(
  readServices(
    'tcp/22, tcp/25, tcp/22@192.168.1.9, tcp/2222@192.168.1.9, tcp/8080@192.168.1.9, tcp/25@192.168.1.3, tcp/22@203.0.113.200, tcp/22@2001:db8::9',
  ),
)!
const asked: Asked = {
  source: CLIENT,
  destination: SERVER,
  now: NOW_S * 1_000,
  maxAgeMs: 120_000,
  isOwn: (address) => OWN.has(formatAddress(address)),
  forwardTo: FORWARD_TO,
}
/** The same question from the address that the packets below claim. */
const fromIt: Asked = { ...asked, source: at('192.0.2.7') }

/** A stanza of `SOURCE ANY`, two keys and the given lines, which has to be the only one. */
function stanza(...lines: readonly string[]): Stanza {
  const { stanzas, faults } = readAccess(['SOURCE ANY', 'KEY a phrase', 'HMAC_KEY another', ...lines].join('\n'))
  expect(faults.filter(({ severity }) => severity === 'error')).toEqual([])
  return stanzas.at(-1)!
}

/** A packet with the request of `-a ADDRESS -A PORTS`, and `-N NAT` or `--nat-local`. */
function access(
  ports: string,
  more: Partial<{ from: string; timeoutS: number; nat: string; local: boolean }> = {},
): Spa {
  const { from = '192.0.2.7', timeoutS = 0, nat, local = false } = more
  const target = nat === undefined ? undefined : { ...readNatTarget(nat)!, local }
  const address = from === '0.0.0.0' ? undefined : at(from)
  return spa({ kind: 'access', address, ports: readPorts(ports)!, nat: target, timeoutS })
}

const spa = (request: Request): Spa => ({ user: 'alice', timestamp: NOW_S, request, replayDigest: '' })
const SSH = access('tcp/22')

/** Returns a grant in one line. */
function said(granted: Grant): string {
  if ('refusal' in granted) return granted.refusal
  if (granted.kind === 'command') return `run ${granted.command} for ${formatAddress(granted.address)}`
  const { address, ports, openS, nat } = granted
  const host = nat?.address === undefined ? 'own' : formatAddress(nat.address)
  const onto = nat === undefined ? '' : ` onto ${host} ${nat.port}`
  return `open ${ports.map(({ protocol, port }) => `${protocol}/${port}`).join()}${onto} to ${formatAddress(address)} for ${openS}`
}

describe('who asks, and when', () => {
  test('a stanza without limits grants every request', () => {
    expect(said(grant(stanza(), SSH, asked))).toBe('open 6/22 to 192.0.2.7 for 30')
    expect(said(grant(stanza(), access('tcp/22,udp/53', { from: '0.0.0.0' }), asked))).toBe(
      'open 6/22,17/53 to 198.51.100.7 for 30',
    )
  })

  test.each([
    [0, true],
    [120, true],
    [-120, true],
    [121, false],
    [-121, false],
  ])('a packet whose time is off by %i s', (offS, taken) => {
    const granted = grant(stanza(), { ...SSH, timestamp: NOW_S + offS }, asked)
    expect('refusal' in granted).toBe(!taken)
    if (!taken)
      expect(said(granted)).toBe(offS > 0 ? 'the packet is 121 s ahead of this clock' : 'the packet is 121 s old')
    expect('refusal' in grant(stanza(), { ...SSH, timestamp: 0 }, { ...asked, maxAgeMs: undefined })).toBe(false)
  })

  test('SOURCE and DESTINATION are checked', () => {
    const here = stanza('SOURCE 198.51.100.0/24', 'DESTINATION 203.0.113.1', 'KEY a phrase', 'HMAC_KEY another')
    expect(matches(here, CLIENT, SERVER)).toBe(true)
    expect(matches(here, at('198.51.101.7'), SERVER)).toBe(false)
    expect(matches(here, CLIENT, at('203.0.113.2'))).toBe(false)
    expect(matches(stanza(), at('2001:db8::7'), at('2001:db8::1'))).toBe(true)
    // The claimed address may be another one: SOURCE says who may send.
    expect(said(grant(here, SSH, asked))).toBe('open 6/22 to 192.0.2.7 for 30')
    const elsewhere = { ...asked, source: at('192.0.2.7') }
    expect(said(grant(here, SSH, elsewhere))).toBe('its source is not in SOURCE')
    expect(said(grant(here, SSH, { ...asked, destination: at('203.0.113.2') }))).toBe(
      'its destination is not in DESTINATION',
    )
  })

  test('an expired stanza grants nothing', () => {
    const ends = stanza(`ACCESS_EXPIRE_EPOCH ${NOW_S}`)
    expect(said(grant(ends, SSH, { ...asked, now: asked.now - 1 }))).toBe('open 6/22 to 192.0.2.7 for 30')
    expect(said(grant(ends, SSH, asked))).toBe('the stanza has expired')
  })

  test('REQUIRE_USERNAME and REQUIRE_SOURCE_ADDRESS are checked', () => {
    const strict = stanza('REQUIRE_USERNAME bob, alice', 'REQUIRE_SOURCE_ADDRESS Y')
    expect(said(grant(strict, SSH, asked))).toBe('open 6/22 to 192.0.2.7 for 30')
    expect(said(grant(strict, { ...SSH, user: 'Alice' }, asked))).toBe(
      'the user name `Alice` is not in REQUIRE_USERNAME',
    )
    expect(said(grant(strict, access('tcp/22', { from: '0.0.0.0' }), asked))).toBe(
      'it names no address, and the stanza has REQUIRE_SOURCE_ADDRESS',
    )
  })
})

describe('what a packet asks for', () => {
  test.each([
    ['tcp/22', 'open 6/22 to 192.0.2.7 for 30'],
    ['udp/53,tcp/22', 'open 17/53,6/22 to 192.0.2.7 for 30'],
    ['udp/22', 'udp/22 is not in OPEN_PORTS'],
    ['tcp/22,tcp/80', 'tcp/80 is not in OPEN_PORTS'],
    ['tcp/22,tcp/25', 'tcp/25 is in RESTRICT_PORTS'],
  ])('OPEN_PORTS and RESTRICT_PORTS: %s', (ports, result) => {
    const some = stanza('OPEN_PORTS tcp/22,udp/53,tcp/25', 'RESTRICT_PORTS tcp/25')
    expect(said(grant(some, access(ports), asked))).toBe(result)
    // fwknopd does not check ports if a command cycle replaces the opening.
    const cycle = stanza(
      'OPEN_PORTS tcp/22,udp/53',
      'RESTRICT_PORTS tcp/25',
      'CMD_CYCLE_OPEN /bin/true',
      'CMD_CYCLE_CLOSE NONE',
    )
    expect(said(grant(cycle, access(ports), asked))).toBe(result.replace('for 30', 'for 0'))
  })

  test.each([
    [[], 0, 30],
    [[], 77, 77],
    [[], 4_000, 300],
    [['FW_ACCESS_TIMEOUT 600', 'MAX_FW_TIMEOUT 20'], 0, 600],
    [['FW_ACCESS_TIMEOUT 600', 'MAX_FW_TIMEOUT 20'], 10, 10],
    [['FW_ACCESS_TIMEOUT 600', 'MAX_FW_TIMEOUT 20'], 21, 20],
    [['CMD_CYCLE_OPEN /bin/true', 'CMD_CYCLE_CLOSE /bin/true', 'CMD_CYCLE_TIMER 9'], 0, 9],
    [['CMD_CYCLE_OPEN /bin/true', 'CMD_CYCLE_CLOSE /bin/true', 'CMD_CYCLE_TIMER 9'], 12, 12],
    [['CMD_CYCLE_OPEN /bin/true', 'CMD_CYCLE_CLOSE NONE'], 12, 0],
  ])('the open time, with %j, for %i s', (lines, timeoutS, openS) => {
    expect(grant(stanza(...lines), access('tcp/22', { timeoutS }), asked)).toMatchObject({ openS })
  })

  test('commands run only if they are enabled', () => {
    const command = spa({ kind: 'command', address: undefined, command: 'id -u' })
    expect(said(grant(stanza(), command, asked))).toBe('the stanza does not have ENABLE_CMD_EXEC')
    const some = stanza('ENABLE_CMD_EXEC Y', 'OPEN_PORTS tcp/22')
    expect(said(grant(some, command, asked))).toBe('run id -u for 198.51.100.7')
    expect(said(grant(some, SSH, asked))).toBe('open 6/22 to 192.0.2.7 for 30')
    expect(said(grant(stanza('ENABLE_CMD_EXEC Y', 'REQUIRE_SOURCE_ADDRESS Y'), command, asked))).toBe(
      'it names no address, and the stanza has REQUIRE_SOURCE_ADDRESS',
    )
  })
})

const unlisted = (port: string): string => `the forwarding target ${port} is not in OPEN_PORTS`
const beyond = (port: string): string => `the forwarding target ${port} is not in Forward_To`

describe('forwards', () => {
  const some = stanza('OPEN_PORTS tcp/22,tcp/2222', 'RESTRICT_PORTS tcp/25')

  test.each([
    ['tcp/2222', '192.168.1.9,22', false, 'open 6/2222 onto 192.168.1.9 22 to 192.0.2.7 for 30'],
    ['tcp/2222,tcp/22', '192.168.1.9,22', false, 'open 6/2222 onto 192.168.1.9 22 to 192.0.2.7 for 30'],
    ['tcp/80', '192.168.1.9,22', false, 'tcp/80 is not in OPEN_PORTS'],
    ['tcp/2222', '192.168.1.9,25', false, 'the forwarding target tcp/25 is in RESTRICT_PORTS'],
    ['tcp/2222', 'inside.example.org,22', false, 'the forwarding target is not an address'],
    ['tcp/2222', '::ffff:127.0.0.1,25', false, 'the forwarding target is not an address'],
    ['tcp/2222', '127.0.0.1,22', true, 'open 6/2222 onto own 22 to 192.0.2.7 for 30'],
    ['tcp/2222', '127.0.0.1,25', true, 'the forwarding target tcp/25 is in RESTRICT_PORTS'],
    ['tcp/2222', '192.168.1.9,22', true, 'it asks for a port of this machine at another address'],
    // fwknopd accepts all of these: it checks the outer port alone.
    ['tcp/2222', '192.168.1.9,8080', false, unlisted('tcp/8080')],
    ['tcp/2222', '127.0.0.1,5432', true, unlisted('tcp/5432')],
    ['tcp/2222', '203.0.113.1,5432', false, unlisted('tcp/5432')],
    ['tcp/2222', '0.0.0.0,5432', false, unlisted('tcp/5432')],
    ['tcp/2222', '::1,5432', false, unlisted('tcp/5432')],
    // The door has these ports, but for other hosts.
    ['tcp/22', '192.168.1.8,2222', false, beyond('tcp/2222@192.168.1.8')],
    ['tcp/22', '127.0.0.1,2222', true, beyond('tcp/2222')],
    ['udp/22', '192.168.1.9,22', false, 'udp/22 is not in OPEN_PORTS'],
    // An address of this machine counts as this machine, whatever the door lists.
    ['tcp/2222', '203.0.113.200,2222', false, beyond('tcp/2222')],
    ['tcp/2222', '203.0.113.200,22', false, 'open 6/2222 onto own 22 to 192.0.2.7 for 30'],
    ['tcp/2222', '2001:db8::9,22', false, 'connections over IPv4 cannot be forwarded to 2001:db8::9'],
  ])('%s onto %s, local: %s', (ports, nat, local, result) => {
    expect(said(grant(some, access(ports, { nat, local }), fromIt))).toBe(result)
    const refused = said(grant(some, access(ports, { nat, local }), { ...fromIt, forwardTo: [] }))
    expect(refused).toMatch(/^it asks .*(Forward_To|another address)$|_PORTS|not an address/)
  })

  test.each([
    '127.0.0.0',
    '127.0.0.1',
    '127.255.255.255',
    '0.0.0.0',
    '255.255.255.255',
    '224.0.0.1',
    '203.0.113.1',
    '203.0.113.200',
    '203.0.113.255',
    '::',
    '::1',
    'ff02::1',
    '2001:db8::1',
  ])('%s is this machine', (host) => {
    const any = stanza()
    const everywhere = { ...fromIt, forwardTo: valueOf(readServices(`tcp/1-65535@192.168.1.9`))! }
    const refused = said(grant(any, access('tcp/22', { nat: `${host},3306` }), everywhere))
    expect(refused).toBe(beyond('tcp/3306'))
  })

  test('connections of another source are never forwarded, whatever is claimed or forced', () => {
    const refusal = 'only connections from its own source can be forwarded'
    expect(said(grant(some, access('tcp/2222', { nat: '192.168.1.9,22' }), asked))).toBe(refusal)
    expect(said(grant(some, access('tcp/2222', { nat: '127.0.0.1,22', local: true }), asked))).toBe(refusal)
    expect(said(grant(stanza('FORCE_NAT 192.168.1.3 25'), access('tcp/2222'), asked))).toBe(refusal)
    expect(said(grant(some, access('tcp/2222', { nat: '192.168.1.9,22', from: '0.0.0.0' }), asked))).toBe(
      'open 6/2222 onto 192.168.1.9 22 to 198.51.100.7 for 30',
    )
  })

  test('FORCE_NAT applies to every packet, if the door allows it', () => {
    const forced = stanza('FORCE_NAT 192.168.1.3 25', 'RESTRICT_PORTS tcp/25')
    const result = 'open 6/2222 onto 192.168.1.3 25 to 192.0.2.7 for 30'
    expect(said(grant(forced, access('tcp/2222,tcp/80'), fromIt))).toBe(result)
    expect(said(grant(forced, access('tcp/2222', { nat: '192.168.1.9,22' }), fromIt))).toBe(result)
    expect(said(grant(forced, access('tcp/2222', { nat: '127.0.0.1,22', local: true }), fromIt))).toBe(result)
    expect(said(grant(forced, access('tcp/25'), fromIt))).toBe('tcp/25 is in RESTRICT_PORTS')
    expect(said(grant(stanza('FORCE_NAT 203.0.113.1 22'), access('tcp/2222'), fromIt))).toBe(
      'open 6/2222 onto own 22 to 192.0.2.7 for 30',
    )
    expect(said(grant(stanza('FORCE_NAT 203.0.113.1 23'), access('tcp/2222'), fromIt))).toBe(beyond('tcp/23'))
    expect(said(grant(forced, access('tcp/2222'), { ...fromIt, forwardTo: [] }))).toBe(
      'the stanza has FORCE_NAT, but the door does not have Forward_To',
    )
  })

  test('a command cycle forwards nothing', () => {
    const cycle = stanza('FORCE_NAT 192.168.1.3 25', 'CMD_CYCLE_OPEN /bin/true', 'CMD_CYCLE_CLOSE NONE')
    expect(said(grant(cycle, access('tcp/22,tcp/80'), asked))).toBe('open 6/22,6/80 to 192.0.2.7 for 0')
    expect(said(grant(cycle, access('tcp/22', { nat: '192.168.1.9,22' }), fromIt))).toBe(
      'it asks for forwarding, but the stanza has a command cycle',
    )
  })

  test('nothing opens that the stanza does not have', () => {
    const ports = fc.array(fc.constantFrom('tcp/22', 'tcp/2222', 'tcp/25', 'tcp/80', 'udp/22'), {
      minLength: 1,
      maxLength: 4,
    })
    const hosts = fc.constantFrom(
      '127.0.0.1',
      '127.9.9.9',
      '0.0.0.0',
      '203.0.113.1',
      '203.0.113.200',
      '::1',
      '::',
      '192.168.1.9',
    )
    const inner = fc.constantFrom(22, 25, 80, 2_222)
    const from = fc.constantFrom(asked, fromIt)
    fc.assert(
      fc.property(
        ports,
        fc.option(hosts),
        inner,
        fc.boolean(),
        fc.nat(65_536),
        from,
        (list, host, port, local, timeoutS, how) => {
          const nat = host === null ? {} : { nat: `${host},${port}`, local }
          const granted = grant(some, access(list.join(), { timeoutS, ...nat }), how)
          if ('refusal' in granted || granted.kind !== 'access') return
          const named = granted.ports.map((one) => `${one.protocol}/${one.port}`)
          expect(named.every((name) => name === '6/22' || name === '6/2222')).toBe(true)
          expect(granted.openS).toBeLessThanOrEqual(300)
          expect(granted.nat === undefined).toBe(host === null)
          if (granted.nat === undefined) return
          expect(granted.address).toEqual(how.source)
          expect(granted.nat.address === undefined).toBe(host !== '192.168.1.9')
          expect(hasPort(FORWARD_TO, { protocol: 6, port: granted.nat.port }, granted.nat.address)).toBe(true)
          expect([22, 2_222]).toContain(granted.nat.port)
        },
      ),
    )
  })
})

test('a command cycle runs the same words as fwknopd 2.6.10', () => {
  const facts = {
    address: at('10.0.0.1'),
    source: at('127.0.0.1'),
    destination: SERVER,
    port: { protocol: 6, port: 22 } as const,
    openS: 77,
    now: 1_795_250_641_500,
  }
  const { cycle } = stanza(
    'CMD_CYCLE_OPEN /bin/echo  $IP $SRC\t$PKT_SRC $DST $PORT $PROTO $CLIENT_TIMEOUT $SRCX $PKT_SRCS $IP-$PORT > $TIMEOUT',
    'CMD_CYCLE_CLOSE NONE',
  )
  const words =
    '/bin/echo 10.0.0.1 10.0.0.1 127.0.0.1 203.0.113.1 22 6 77 10.0.0.1X 127.0.0.1S 10.0.0.1-22 > 1795250718'
  expect(cycleArguments(cycle!.open, facts)).toEqual(words.split(' '))
})
