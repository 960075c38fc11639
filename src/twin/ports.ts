import { protocolName } from '../config/service.ts'
import { plainPort, textOf } from '../lint/change.ts'
import type { Config, Door } from '../config/config.ts'
import { splitCommand, programName } from '../lint/shell.ts'
import type { Family } from '../packet/address.ts'
import { plainDashes } from './plain.ts'
import { publishedIn } from './cause/published.ts'

/** The most ports of a door that are tried. Of a range the first and the last port are tried. */
export const PORTS_MAX = 4
const PORT_MAX = 65_535

/** A port that a door opens. */
export interface OpenedPort {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** The port on which the service listens. It differs if the door redirects. */
  readonly listensAt: number
}

/** Formats a port: `tcp/22`. */
export function portText({ protocol, port }: Pick<OpenedPort, 'protocol' | 'port'>): string {
  return `${protocol}/${port}`
}

/** Returns ports without repetitions. The first of several with one protocol and number stays. */
export function uniquePorts<Port extends Pick<OpenedPort, 'protocol' | 'port'>>(
  ports: readonly Port[],
): readonly Port[] {
  return ports.filter((port, index) => index === ports.findIndex((other) => portText(other) === portText(port)))
}

/** The ports that a door opens, or the reason why they are unknown. */
export type DoorPorts =
  | { readonly kind: 'known'; readonly ports: readonly OpenedPort[]; readonly note?: string }
  | { readonly kind: 'unknown'; readonly why: string }

/** The facts from which a door's ports are determined. */
export interface PortClues {
  /** The ports of `--port DOOR=tcp/22`. */
  readonly chosen: readonly OpenedPort[]
  /** The machine's rules, which name the port of a set. */
  readonly rules: string
  /** Returns the TCP ports on which this machine listens. One of them is tried at a door that opens all ports. */
  readonly listening: () => readonly number[]
}

/** Returns the ports that a door opens for knocks of a family. */
export function portsOf(door: Door, family: Family, { chosen, rules, listening }: PortClues): DoorPorts {
  if (chosen.length > 0) return known(chosen)
  const own = door.opens.filter(({ host }) => host === undefined)
  if (own.length > 0)
    return known(own.flatMap(({ protocol, first, last }) => endsOf(protocolName(protocol), first, last)))
  if (door.opens.length > 0) return { kind: 'unknown', why: 'it opens ports of another host, which is not rehearsed' }
  const text = (family === 4 ? door.commands4 : door.commands6).start ?? door.commands4.start ?? ''
  const ports = portsIn(text)
  if (ports.length > 0) return known(inForward(text) ? ports.map((port) => publishedFor(port, rules)) : ports)
  const bySet = setsIn(text).flatMap((set) => portsOfSet(set, rules))
  if (bySet.length > 0) return known(bySet)
  if (!opensAll(text)) return { kind: 'unknown', why: 'its command does not say which port it opens' }
  const heard = listening()
  const tried = heard.includes(SSH) ? SSH : heard[0]
  if (tried === undefined) return { kind: 'unknown', why: 'it opens every port, and nothing listens here' }
  return known(endsOf('tcp', tried, tried), `it opens every port, and is tried with tcp/${tried}`)
}

/** Returns the known ports that the doors of a config open over either family, each once. */
export function portsOfDoors({ doors }: Pick<Config, 'doors'>, rules: string): readonly OpenedPort[] {
  const found = doors.flatMap((door) =>
    ([4, 6] as const).flatMap((family) => {
      const its = portsOf(door, family, { chosen: [], rules, listening: () => [] })
      return its.kind === 'known' ? its.ports : []
    }),
  )
  return [...new Map(found.map((port) => [portText(port), port])).values()]
}

const SSH = 22

function known(ports: readonly OpenedPort[], note?: string): DoorPorts {
  return { kind: 'known', ports: uniquePorts(ports).slice(0, PORTS_MAX), ...(note === undefined ? {} : { note }) }
}

function endsOf(protocol: 'tcp' | 'udp', first: number, last: number): readonly OpenedPort[] {
  const ends = first === last ? [first] : [first, last]
  return ends.map((port) => ({ protocol, port, listensAt: port }))
}

/** Returns the ports that a command of any firewall names. Typographic dashes count as hyphens. */
export function portsIn(command: string): readonly OpenedPort[] {
  const { commands } = splitCommand(plainDashes(command))
  return commands.flatMap((words) => {
    const text = textOf(words)
    const name = programName(words)
    if (/^ip6?tables/.test(name)) return portsOfIptables(text)
    if (name === 'nft') return portsOfNft(text)
    if (name === 'ufw') return portsOfUfw(text)
    return name === 'firewall-cmd' ? portsOfFirewalld(text) : []
  })
}

/** Returns true if a command opens for forwarded packets, in the chain DOCKER-USER or FORWARD. */
function inForward(command: string): boolean {
  return /\bip6?tables\S* .*-[AI] (?:DOCKER-USER|FORWARD)\b/.test(command) && !/--ctorigdstport/.test(command)
}

/** Returns the published port for a container's port. Rules for forwarded packets name the container's port. */
function publishedFor({ protocol, port, listensAt }: OpenedPort, rules: string): OpenedPort {
  const published = publishedIn(rules.split('\n')).find((each) => each.to.port === port && each.protocol === protocol)
  return { protocol, port: published?.port ?? port, listensAt }
}

function portsOfIptables(text: string): readonly OpenedPort[] {
  const protocol = /(?:^| )(?:-p|--proto|--protocol)[ =]*udp\b/i.test(text) ? 'udp' : 'tcp'
  const original = /--ctorigdstport[ =]([^ ]+)/.exec(text)?.[1]
  const destination = /--(?:dports?|destination-ports?)[ =]([^ ]+)/.exec(text)?.[1]
  // A rule with a source port was probably meant for the destination port.
  const ports = original ?? destination ?? /--(?:sports?|source-ports?)[ =]([^ ]+)/.exec(text)?.[1] ?? ''
  const redirected = /--to-ports?[ =]([0-9]+)/.exec(text)?.[1]
  const opened = listed(ports, protocol, ':')
  if (redirected === undefined) return opened
  return opened.map(({ port }) => ({ protocol, port, listensAt: Number(redirected) }))
}

function portsOfNft(text: string): readonly OpenedPort[] {
  return [...text.matchAll(/\b(tcp|udp|th) dport (\{[^}]*\}|[^ ]+)/g)].flatMap(([, name, ports = '']) =>
    listed(ports.replaceAll(/[{}\s]/g, ''), name === 'udp' || text.includes('l4proto udp') ? 'udp' : 'tcp', '-'),
  )
}

function portsOfUfw(text: string): readonly OpenedPort[] {
  const protocol = /\bproto udp\b|[0-9]\/udp\b/.test(text) ? 'udp' : 'tcp'
  const to = /\bto \S+ port ([^ ]+)/.exec(text)?.[1]
  const simple = /\b(?:allow|limit)(?: in)? ([0-9,:]+|[a-z]+)(?:\/(?:tcp|udp))?$/.exec(text)?.[1]
  return listed(to ?? simple ?? '', protocol, ':')
}

function portsOfFirewalld(text: string): readonly OpenedPort[] {
  const rich = /\bport port=["']?([0-9-]+)["']? protocol=["']?(tcp|udp)/.exec(text)
  if (rich !== null) return listed(rich[1]!, rich[2] as 'tcp' | 'udp', '-')
  const plain = /--add-port[= ]([0-9-]+)\/(tcp|udp)/.exec(text)
  if (plain !== null) return listed(plain[1]!, plain[2] as 'tcp' | 'udp', '-')
  return listed(/(?:--add-service[= ]|service name=["']?)([a-z0-9]+)/.exec(text)?.[1] ?? '', 'tcp', '-')
}

/** Reads a list of ports: `22`, `ssh`, `80,443`, `6000:6010`. */
function listed(text: string, protocol: 'tcp' | 'udp', range: ':' | '-'): readonly OpenedPort[] {
  return text.split(',').flatMap((part) => {
    const [first = '', last = first] = part.split(range).map((port) => plainPort(port))
    const ends = [Number(first), Number(last)] as const
    const good = /^[0-9]{1,5}$/.test(first) && ends.every((port) => port >= 1 && port <= PORT_MAX)
    return good ? endsOf(protocol, ...ends) : []
  })
}

/** Returns the sets that a command adds to: `nft add element inet filter SET { … }`, `ipset add SET …`. */
function setsIn(command: string): readonly string[] {
  return [
    ...command.matchAll(/\badd element (?:(?:ip6?|inet) )?\S+ ([\w-]+)|\bipset (?:-\S+ )*(?:add|-A) ([\w-]+)/g),
  ].map(([, nft, ipset]) => nft ?? ipset!)
}

/** Returns the ports of the rules that use a set. */
function portsOfSet(set: string, rules: string): readonly OpenedPort[] {
  return rules.split('\n').flatMap((line) => {
    if (new RegExp(`@${set}(?![\\w-])`).test(line)) return portsOfNft(line.trim())
    return new RegExp(`--match-set ${set} `).test(line) ? portsOfIptables(line) : []
  })
}

/** Returns true for an iptables command that accepts all packets of a source. */
function opensAll(command: string): boolean {
  return /\bip6?tables\b.* -j ACCEPT/.test(command) && command.includes('%IP%')
}
