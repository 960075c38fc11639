import type { Config } from '../../config/config.ts'
import { formatService, protocolName } from '../../config/service.ts'
import type { Listening } from '../../host/listening.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Port } from '../../remedy/remedies.ts'
import { isShutter } from '../rehearse/rehearsal.ts'
import { portText, portsOf } from '../../twin/ports.ts'
import { publishedIn } from '../../twin/cause/published.ts'
import type { Finding } from './finding.ts'

/** The most listening ports that a message names. */
const NAMED_MAX = 6

/** Finds doors that open a port on which no program listens. Forwarded ports are ignored. */
export function judgeServed({ doors, file }: Config, listening: Listening, rules: string): readonly Finding[] {
  const tcp = [...listening[TCP]].toSorted((one, other) => one - other)
  const published = publishedIn(rules.split('\n'))
  const isServed = (protocol: 'tcp' | 'udp', first: number, last: number): boolean =>
    [...listening[protocol === 'tcp' ? TCP : UDP]].some((port) => first <= port && port <= last) ||
    published.some((each) => each.protocol === protocol && first <= each.port && each.port <= last) ||
    new RegExp(String.raw`\bredirect to :|-j (?:REDIRECT|DNAT) `).test(linesAt(rules, first))
  return doors.flatMap((door): readonly Finding[] => {
    if (isShutter(door)) return []
    const own = door.opens.filter(({ host }) => host === undefined)
    const native = own.filter(({ protocol, first, last }) => !isServed(protocolName(protocol), first, last))
    const names = native.map((service) => formatService(service))
    if (door.opens.length === 0) {
      const found = portsOf(door, 4, { chosen: [], rules, listening: () => tcp })
      const ports = found.kind === 'known' ? found.ports : []
      // One port with a program is enough: the others may be for later use.
      if (ports.some(({ protocol, listensAt }) => isServed(protocol, listensAt, listensAt))) return []
      names.push(...ports.map(portText))
    }
    if (names.length === 0) return []
    const there = tcp.slice(0, NAMED_MAX).map((port) => `tcp/${port}`)
    const more = tcp.length > NAMED_MAX ? ' and others' : ''
    const known = there.length === 0 ? '' : `; programs listen at ${there.join(', ')}${more}`
    const message = `door ${door.name} (line ${door.line}): no program listens at ${names.join(', ')}, which it opens${known}`
    return [{ severity: 'warning', subject: 'service', message, fix: REMEDIES.edit(file, door.line) }]
  })
}

function linesAt(rules: string, port: Port['port']): string {
  return rules
    .split('\n')
    .filter((line) => new RegExp(String.raw`dport ${port}\b`).test(line))
    .join('\n')
}
