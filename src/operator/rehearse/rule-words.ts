import type { OpenedPort } from './ports.ts'

/** Highest port there is. */
const PORT_MAX = 65_535

/** The same rule without the address that packets go to: of rules ahead of everything that is mostly this machine's. */
export function toAnyHere(rule: string): string {
  return rule.replace(/ -d \S+/, '').replace(/\bip6? daddr \S+ /, '')
}

/** A port, by both numbers that rules may know it by. */
type Port = Pick<OpenedPort, 'protocol' | 'port' | 'listensAt'>

/**
 * Whether a rule, as iptables-save or nft lists it, may judge packets of strangers that go to a port or come from it. One
 * that asks for an address, another protocol, other ports or a state of connections that are there is about others.
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

/** Whether a rule names no protocol and ports, or this one among them. */
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
