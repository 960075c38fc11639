import type { Knock } from '../config/config.ts'
import { parseKnock } from '../config/sequence.ts'
import { TCP, UDP, type Protocol } from '../packet/packet.ts'
import { UsageError } from './fault.ts'

/** Looks up a service's port by its name. */
export type Services = (name: string, protocol: Protocol) => number | undefined

/** A service's name, with at least one letter so that no number is one (RFC 6335, 5.1, and what /etc/services has). */
const SERVICE = /^(?=.*[a-z])[a-z0-9][a-z0-9_.+-]*$/i

/**
 * Reads the words `PORT[:PROTO]`: PORT a number from 1 to 65535 or a service's name, PROTO `tcp` (also when absent) or
 * `udp`. `udp` makes all of them UDP whatever PROTO is, as knockd's knock has it. Throws a UsageError that names the
 * first wrong word by its place: the ports are a secret.
 */
export function parseKnocks(words: readonly string[], udp: boolean, services: Services): readonly Knock[] {
  return words.map((word, index) => {
    const place = `knock ${index + 1}`
    if (/[,\s]/.test(word)) {
      throw new UsageError(`${place}: more than one in a word`, 'knocks are separated by spaces: 7000 8000:udp 9000')
    }
    const { protocol, port } = parseNamed(word, udp, services, place)
    return { protocol: udp ? UDP : protocol, port }
  })
}

/** Reads what `--verify` takes: `tcp/PORT`. Throws a UsageError for anything else. */
export function parseVerify(text: string, services: Services): number {
  const [proto = '', port = '', ...rest] = text.split('/')
  if (proto.toLowerCase() === 'udp') {
    throw new UsageError('--verify: cannot verify UDP', 'an open UDP port need not answer; give a TCP port')
  }
  if (proto.toLowerCase() !== 'tcp' || rest.length > 0 || /[:\s]/.test(port)) {
    throw new UsageError('--verify: not a tcp/PORT', 'such as tcp/22')
  }
  return parseNamed(port, false, services, '--verify').port
}

/** How a knock is written in the output: `tcp` or `udp`. */
export function protocolName(protocol: Protocol): 'tcp' | 'udp' {
  return protocol === TCP ? 'tcp' : 'udp'
}

function parseNamed(word: string, udp: boolean, services: Services, place: string): Knock {
  const [name = '', ...proto] = word.split(':')
  const named = SERVICE.test(name)
  // What its protocol is, and whether that is one, can be told without knowing its port.
  const result = parseKnock(named ? ['1', ...proto].join(':') : word)
  if ('fault' in result) throw new UsageError(`${place}: ${result.fault.message}`, result.fault.hint)
  if (!named) return result.knock
  const protocol = udp ? UDP : result.knock.protocol
  const port = services(name, protocol)
  if (port !== undefined) return { protocol, port }
  throw new UsageError(
    `${place}: neither a port nor a known ${protocolName(protocol)} service`,
    'a port is a number from 1 to 65535, a service is named in /etc/services',
  )
}
