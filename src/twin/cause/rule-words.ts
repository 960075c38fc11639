import type { OpenedPort } from '../ports.ts'

/** The highest port number. */
const PORT_MAX = 65_535

/** Returns a rule without its destination address, which in raw tables is usually that of this machine. */
export function toAnyHere(rule: string): string {
  return rule.replace(/ -d \S+/, '').replace(/\bip6? daddr \S+ /, '')
}

/** A port, with both numbers that rules may use for it. */
type Port = Pick<OpenedPort, 'protocol' | 'port' | 'listensAt'>

/**
 * Returns true if a rule may filter packets of unknown sources to or from a port. A rule with an address, another
 * protocol, other ports or a state of existing connections does not.
 */
export function judges(rule: string, port: Port): boolean {
  if (
    /(?:^| )(?:-s|-d|-o|--match-set) |\bip6? [sd]addr\b|\bether\b|\boifname\b|(?:^| )-i lo\b|iif(?:name)? "?lo/.test(
      rule,
    )
  )
    return false
  const states = /--(?:ctstate|state) (\S+)|\bct state (\{[^}]*\}|\S+)/.exec(rule)
  if (states !== null && !/\bnew\b/i.test(states[0])) return false
  return fitsPort(rule, port)
}

/** Returns true if the protocol and ports of a rule, if it has some, include this port. */
export function fitsPort(rule: string, { protocol, port, listensAt }: Port): boolean {
  const named = /(?:^| )-p (\S+)/.exec(rule)?.[1] ?? /\b(tcp|udp|icmpv?6?|igmp|sctp|esp|ah) (?!option)/.exec(rule)?.[1]
  if (named !== undefined && named !== protocol && named !== 'all') return false
  const ports = /--[ds]ports? (\S+)|\b(?:th|tcp|udp) [ds]port (\{[^}]*\}|[^ ]+)/.exec(rule)
  if (ports === null) return true
  const negated = /! --[ds]ports? |[ds]port != /.test(rule)
  const listed = (ports[1] ?? ports[2] ?? '').replaceAll(/[{}\s]/g, '').split(',')
  const fits = listed.some((part) => {
    const [first = '', last = first] = part.split(/[:-]/)
    const [from, to] = [Number(first || 0), Number(last || PORT_MAX)]
    return [port, listensAt].some((each) => from <= each && each <= to)
  })
  return fits !== negated
}
