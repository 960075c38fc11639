import { scannable } from '../../src/config/scannable.ts'
import { OPENING_FLAGS } from '../../src/config/flags.ts'
import type { Terms } from '../../src/gate/terms.ts'
import type { GateSequence } from '../../src/gate/sequence.ts'
import type { Effect } from '../../src/gate/effect.ts'
import { formatAddress, parseAddress } from '../../src/packet/address.ts'
import type { Address } from '../../src/packet/address.ts'
import type { Knock } from '../../src/config/config.ts'
import { Packet, SYN, TCP, UDP } from '../../src/packet/packet.ts'
import type { KnockProtocol } from '../../src/packet/packet.ts'
import { knocksOfCode } from '../../src/totp/ports.ts'

/** What a test says of a packet; the rest is as an ordinary first SYN to this host has it. */
export interface Hit {
  readonly from?: string
  readonly to?: string
  readonly port: number
  readonly protocol?: KnockProtocol
  /** Bytes of payload of a datagram or a ping. */
  readonly size?: number | undefined
  /** Milliseconds since the test's beginning. */
  readonly at?: number
  readonly flags?: number
  readonly sourcePort?: number
  readonly sequence?: number
  readonly link?: number
  /** Made by a tool such as hping3: without options. */
  readonly byHand?: boolean
}

/** When tests begin, milliseconds since 1970. */
export const BEGIN_MS = 1_700_000_000_000

let fresh = 0

/** The addresses of tests, which are few. Most of a test's time would go into parsing them again. */
const addresses = new Map<string, Address>()
const ADDRESSES_MAX = 1_000

function addressOf(text: string): Address {
  const known = addresses.get(text)
  if (known !== undefined) return known
  const address = parseAddress(text)!
  if (addresses.size < ADDRESSES_MAX) addresses.set(text, address)
  return address
}

/** A packet; without a sequence number and a source port of its own it is like no other. */
export function hit({ from = '192.0.2.2', to = '192.0.2.1', port, protocol = TCP, at = 0, ...rest }: Hit): Packet {
  const packet = new Packet()
  const source = addressOf(from)
  const destination = addressOf(to)
  fresh++
  packet.time = BEGIN_MS + at
  packet.link = rest.link ?? 0
  packet.family = source.family
  packet.sourceA = source.a
  packet.sourceB = source.b
  packet.sourceC = source.c
  packet.sourceD = source.d
  packet.destinationA = destination.a
  packet.destinationB = destination.b
  packet.destinationC = destination.c
  packet.destinationD = destination.d
  packet.protocol = protocol
  packet.port = port
  packet.size = rest.size ?? 0
  packet.headerBytes = protocol !== TCP ? 0 : rest.byHand === true ? 20 : 40
  packet.flags = rest.flags ?? (protocol === TCP ? SYN : 0)
  packet.sourcePort = rest.sourcePort ?? 1_024 + (fresh % 60_000)
  packet.sequence = rest.sequence ?? fresh
  packet.identification = fresh & 0xffff
  return packet
}

/** A secret of TCP knocks, of UDP ones where a port is negative, or of others. */
export function secret(
  door: string,
  ports: readonly (number | Knock)[],
  terms: Partial<Terms> = {},
  once = false,
): GateSequence {
  const knocks = ports.map((port): Knock =>
    typeof port === 'number' ? { protocol: port < 0 ? UDP : TCP, port: Math.abs(port) } : port,
  )
  return {
    door,
    knocks,
    terms: { flags: OPENING_FLAGS, target: undefined, timeoutMs: 10_000, allowFrom: [], ...terms },
    once,
    scannable: scannable(knocks) !== undefined,
  }
}

/** The secret of a code: `before` are the knocks that come before its two. */
export function codeSecret(
  door: string,
  before: readonly number[],
  code: string,
  terms: Partial<Terms> = {},
): GateSequence {
  const ports = knocksOfCode(code).map(({ port }) => port)
  return { ...secret(door, [...before, ...ports], terms, true), scannable: false, code: before.length }
}

/** Effects as short texts: `a 1` for a stage, `a open`, `a wrong 2`, `a late 1`, `scan`, or why a packet passed. */
export function texts(effects: readonly Effect[]): readonly string[] {
  return effects.flatMap((effect) => {
    switch (effect.kind) {
      case 'stage':
        return effect.doors.map((door) => `${door} ${effect.stage}`)
      case 'open':
        return [`${effect.secret.door} open`]
      case 'broken':
        return effect.doors.map((door) => `${door} wrong ${effect.stage}`)
      case 'timeout':
        return effect.doors.map((door) => `${door} late ${effect.stage}`)
      case 'withheld':
        return [`${effect.door} withheld`]
      case 'scan':
        return ['scan']
      case 'guesses':
        return ['guesses']
      case 'ignored':
        return [effect.reason]
      default:
        return effect satisfies never
    }
  })
}

/** The doors that effects open, with the sources they open for. */
export function openings(effects: readonly Effect[]): readonly string[] {
  return effects.flatMap((effect) =>
    effect.kind === 'open' ? [`${formatAddress(effect.source)} ${effect.secret.door}`] : [],
  )
}
