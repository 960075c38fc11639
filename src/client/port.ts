import { protocolName } from '../config/service.ts'
import { UsageError } from '../cli/fault.ts'
import type { Knock, PortKnock } from '../config/config.ts'
import { parseKnock } from '../config/sequence.ts'
import { ICMP, UDP, type Protocol } from '../packet/packet.ts'
import { servicesFile } from './places.ts'

/** Looks up the port of a service by its name. */
export type Services = (name: string, protocol: Protocol) => number | undefined

/** The name of a service. It has at least one letter, so that no number is a name (RFC 6335, 5.1; /etc/services). */
const SERVICE = /^(?=.*[a-z])[a-z0-9][a-z0-9_.+-]*$/i

/** The beginning of a ping, which is no service. */
const PING = /^icmp(?![a-z])/i

/**
 * Parses words `PORT[:PROTO]`, `PORT:udp/SIZE` and `icmp/SIZE`. PORT is a number from 1 to 65535 or a service's name.
 * PROTO is `tcp` (the default) or `udp`.
 *
 * @param udp makes all ports UDP, as in knockd's knock
 * @throws UsageError that names the wrong word only by its position, because the ports are secret
 */
export function parseKnocks(words: readonly string[], udp: boolean, services: Services): readonly Knock[] {
  return words.map((word, index) => {
    const place = `knock ${index + 1}`
    if (/[,\s]/.test(word)) {
      throw new UsageError(`${place}: more than one in a word`, 'knocks are separated by spaces: 7000 8000:udp 9000')
    }
    const knock = parseNamed(word, udp, services, place)
    return udp && knock.protocol !== ICMP ? { ...knock, protocol: UDP } : knock
  })
}

/** Parses the argument of `--verify`: `tcp/PORT`. @throws UsageError for anything else */
export function parseVerify(text: string, services: Services): number {
  const [proto = '', port = '', ...rest] = text.split('/')
  if (proto.toLowerCase() === 'udp') {
    throw new UsageError('--verify: cannot verify UDP', 'an open UDP port need not answer; give a TCP port')
  }
  if (proto.toLowerCase() !== 'tcp' || rest.length > 0 || /[:\s]/.test(port) || PING.test(port)) {
    throw new UsageError('--verify: not a tcp/PORT', 'such as tcp/22')
  }
  return parseNamed(port, false, services, '--verify').port
}

function parseNamed(word: string, udp: boolean, services: Services, place: string): Knock {
  const [name = '', ...proto] = word.split(':')
  const named = SERVICE.test(name) && !PING.test(name)
  // The protocol can be checked without knowing the service's port.
  const result = parseKnock(named ? ['1', ...proto].join(':') : word)
  if ('message' in result) throw new UsageError(`${place}: ${result.message}`, result.hint)
  if (!named) return result.value
  const knock = result.value as PortKnock
  const protocol = udp ? UDP : knock.protocol
  const port = services(name, protocol)
  if (port !== undefined) return { ...knock, protocol, port }
  throw new UsageError(
    `${place}: neither a port nor a known ${protocolName(protocol)} service`,
    `a port is a number from 1 to 65535, a service is named in ${servicesFile()}`,
  )
}
