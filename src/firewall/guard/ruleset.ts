import { FAMILIES } from '../../packet/address.ts'
import type { Family } from '../../packet/address.ts'
import { formatNetwork } from '../../packet/network.ts'
import { HIDDEN_COUNTER, SETS, TABLE, hostKeyText, keyText, timedElement } from './element.ts'
import type { Element } from './element.ts'
import { answersEnded, endedSets, forgetEnded, returnEnded } from './ended.ts'
import type { Ended } from './ended.ts'
import { ANSWERS_MAP, mimicClosedPort, learnAnswer } from './mimic.ts'
import type { GuardPlan } from './plan.ts'
import { TCP } from '../../packet/packet.ts'
import { ADDRESS_TYPE, IP, SERVICE_KEY } from '../nft-text.ts'

/**
 * The priorities of the guard's hooks (nft(8), "standard priority names"). They come after connection tracking (-200),
 * so that the guard knows established connections. They come before destination NAT (dstnat, -100), so that the guard
 * sees the original ports.
 */
const FILTER_PRIORITY = -151
const NAT_PRIORITY = -101
/** Forwarding comes before that: a packet forwarded to another host is not for this host. */
const FORWARD_PRIORITY = -102
/** The last hooks come after all ordinary rules of a host, which decide first. */
const LAST_PRIORITY = 300
/** The maximum number of elements in a set. */
const SET_MAX = 65_536
/** Seconds after which a silent connection from before the guard is forgotten. */
const KEPT_S = 86_400
/** A TCP packet that begins no connection. Only such packets may count as established. */
const GOES_ON = 'tcp flags & (syn | ack) != syn'

/** An element of an open door, with its remaining milliseconds. */
export interface Held extends Element {
  readonly leftMs: number
}

/** A TCP connection to a guarded port that existed before the guard. */
export interface Kept {
  readonly family: Family
  /** The address of the other end, as text. */
  readonly address: string
  readonly peerPort: number
  readonly port: number
}

const COUNT = `counter name ${HIDDEN_COUNTER}`

/**
 * Returns the guard as one transaction for nft(8), which replaces the whole table and keeps open doors open. No port is
 * unguarded in between.
 *
 * @param ended the flows that no longer count as established; given only if the guard was not loaded for a time
 */
export function guardRuleset(
  plan: GuardPlan,
  held: readonly Held[],
  kept: readonly Kept[],
  ended?: readonly Ended[],
): string {
  const match = plan.hideWith === 'match'
  const away = ended !== undefined
  const accept = away ? 'goto let_in' : 'accept'
  const lines = [
    ...sets(plan, held, kept),
    ...(away ? endedSets(ended) : []),
    `counter ${HIDDEN_COUNTER} { }`,
    ...(away ? chain('let_in', [...forgetEnded(), 'accept']) : []),
    ...chain('known', [...allowed(plan), ...keptOn(), ...known(plan, accept)]),
    ...chain('known_abroad', [...allowed(plan), ...knownAbroad(plan, TO_HOST, accept)]),
    ...chain('stranger', ['jump known', COUNT, ...(match ? mimicClosedPort() : refused(plan.hideWith))]),
    ...chain('stranger_abroad', ['jump known_abroad', COUNT, ...refused(match ? 'reset' : plan.hideWith)]),
    ...(away ? chain('resumed', [...allowed(plan, 'daddr'), ...knownAbroad(plan, FROM_HOST, 'accept'), 'drop']) : []),
    ...chain('settled', [
      ...(away ? [...returnEnded(), ...answersEnded('resumed')] : []),
      'meta l4proto != tcp accept',
      `${GOES_ON} accept`,
    ]),
    ...chain('guard', [
      `type filter hook prerouting priority ${FILTER_PRIORITY}; policy accept;`,
      'iifname "lo" accept',
      'ct state related accept',
      'ct state established jump settled',
      ...(away ? resumes(plan) : []),
      ...jumps(plan, undefined, 'stranger'),
      ...FAMILIES.flatMap((family) => jumps(plan, family, 'stranger_abroad')),
    ]),
    ...(match ? misled(plan) : []),
    ...(plan.forwardTo.length > 0 ? forwarding(plan) : []),
  ]
  return `${REMOVE_GUARD}table ${TABLE} {\n${lines.map((line) => `\t${line}\n`).join('')}}\n`
}

/**
 * Returns the ruleset for a system without the table, which the kernel loads faster. The kernel refuses it if the table
 * exists.
 */
export function newGuard(ruleset: string): string {
  return ruleset.replace(REMOVE_GUARD, `create table ${TABLE}\n`)
}

/** Removes the guard, whether it exists or not. */
export const REMOVE_GUARD = `add table ${TABLE}\ndelete table ${TABLE}\n`

function chain(name: string, rules: readonly string[]): readonly string[] {
  return [`chain ${name} {`, ...rules.map((rule) => `\t${rule}`), '}']
}

function sets(
  { wide, hideWith, forwardTo }: GuardPlan,
  held: readonly Held[],
  kept: readonly Kept[],
): readonly string[] {
  const contents = new Map<string, string[]>()
  const put = (set: string, element: string): void => {
    const there = contents.get(set)
    if (there === undefined) contents.set(set, [element])
    else there.push(element)
  }
  for (const element of held) put(element.set, timedElement(element, element.leftMs))
  for (const { family, address, peerPort, port } of kept) put(`kept${family}`, `${address} . ${peerPort} . ${port}`)
  const set = (name: string, type: string, more: string): string => {
    const elements = contents.get(name)
    const filled = elements === undefined ? '' : ` elements = { ${elements.join(', ')} };`
    return `${type.includes(' : ') ? 'map' : 'set'} ${name} { type ${type}; ${more}${filled} }`
  }
  const size = `size ${SET_MAX};`
  const ranges = `flags interval,timeout; ${size}`
  const both = FAMILIES.flatMap((family) => {
    const address = ADDRESS_TYPE[family]
    const source = `${address} . inet_proto . inet_service`
    const forwards = [
      set(SETS.forward(family), `${source} : ${address} . inet_service`, `flags timeout; ${size}`),
      set(SETS.redirect(family), `${source} : inet_service`, `flags timeout; ${size}`),
    ]
    return [
      set(`open${family}`, source, `flags timeout; ${size}`),
      set(`kept${family}`, `${address} . inet_service . inet_service`, `flags timeout; timeout ${KEPT_S}s; ${size}`),
      ...(forwardTo.length > 0 ? forwards : []),
      ...[...wide.values()].flatMap((index) => [
        set(SETS.ports(index, family), source, ranges),
        set(SETS.ranges(index, family), source, ranges),
        set(SETS.hosts(index, family), `${address} . ${source}`, ranges),
      ]),
    ]
  })
  return hideWith === 'match' ? [...both, ANSWERS_MAP] : both
}

/** Accepts packets of networks that are always allowed. */
function allowed({ alwaysAllow }: GuardPlan, end: 'saddr' | 'daddr' = 'saddr'): readonly string[] {
  return FAMILIES.flatMap((family) => {
    const always = alwaysAllow.filter(({ address }) => address.family === family).map(formatNetwork)
    return always.length === 0 ? [] : [`${IP[family]} ${end} { ${always.join(', ')} } accept`]
  })
}

/** Accepts connections from before the guard. A new connection from the same port needs a knock. */
function keptOn(): readonly string[] {
  return FAMILIES.map((family) => `${GOES_ON} ${IP[family]} saddr . tcp sport . tcp dport @kept${family} accept`)
}

/** Accepts sources that have knocked, for services of this host. */
function known({ wide }: GuardPlan, accept: string): readonly string[] {
  return FAMILIES.flatMap((family) => [
    `${IP[family]} saddr . ${SERVICE_KEY} @open${family} ${accept}`,
    ...[...wide.values()].flatMap((index) =>
      [SETS.ports, SETS.ranges].map((set) => `${IP[family]} saddr . ${SERVICE_KEY} @${set(index, family)} ${accept}`),
    ),
  ])
}

/** Accepts packets that match a key, if an element of the sets for services of other hosts has it. */
function knownAbroad({ wide }: GuardPlan, key: (ip: 'ip' | 'ip6') => string, accept: string): readonly string[] {
  return FAMILIES.flatMap((family) =>
    [...wide.values()].map((index) => `${key(IP[family])} @${SETS.hosts(index, family)} ${accept}`),
  )
}

/** The keys of packets to services of other hosts, and of packets from such services. */
const TO_HOST = (ip: 'ip' | 'ip6'): string => `${ip} saddr . ${ip} daddr . ${SERVICE_KEY}`
const FROM_HOST = (ip: 'ip' | 'ip6'): string => `${ip} daddr . ${ip} saddr . meta l4proto . th sport`

/**
 * Matches packets with which a service of another host continues an untracked connection. Such a connection may have
 * begun while the guard was not loaded and nothing was tracked. Connection tracking would take the packet for a first
 * one, and the connection for established.
 */
function resumes({ services }: GuardPlan): readonly string[] {
  return FAMILIES.flatMap((family) => {
    const theirs = services.filter(({ host, protocol }) => host?.family === family && protocol === TCP)
    if (theirs.length === 0) return []
    const from = `${IP[family]} saddr . meta l4proto . th sport { ${theirs.map(hostKeyText).join(', ')} }`
    return [`ct state new ${GOES_ON} ${from} jump resumed`]
  })
}

function refused(how: 'match' | 'reset' | 'drop'): readonly string[] {
  // The kernel's icmp_send() answers for both, so the same limits on ICMP apply as for closed ports.
  return how === 'drop' ? ['drop'] : ['meta l4proto tcp reject with tcp reset', 'reject with icmpx port-unreachable']
}

/** Forwards connections to this host for sources with that permission. */
function forwarding({ forwardTo }: GuardPlan): readonly string[] {
  const sent = FAMILIES.flatMap((family) => {
    const ip = IP[family]
    const to = (map: string): string => `${ip} saddr . ${SERVICE_KEY} map @${map}`
    return [
      `meta nfproto ipv${family} dnat ${ip} to ${to(SETS.forward(family))}`,
      `meta nfproto ipv${family} meta l4proto { tcp, udp } dnat to :${to(SETS.redirect(family))}`,
    ]
  })
  const hosts = FAMILIES.flatMap((family) => {
    const there = forwardTo.filter(({ host }) => host?.family === family)
    if (there.length === 0) return []
    return [`ct status dnat ${IP[family]} daddr . ${SERVICE_KEY} { ${there.map(hostKeyText).join(', ')} } drop`]
  })
  return [
    ...chain('forward_to', [
      `type nat hook prerouting priority ${FORWARD_PRIORITY}; policy accept;`,
      `fib daddr type != ${TAKEN_HERE} return`,
      ...sent,
    ]),
    // An address of another host may become one of this host. Its ports are hidden and stay hidden.
    ...(hosts.length === 0
      ? []
      : chain('sent_back', [`type filter hook input priority ${LAST_PRIORITY}; policy accept;`, ...hosts])),
  ]
}

/** Sends packets of unknown sources to a closed port, whose rules on the host apply to them. */
function misled(plan: GuardPlan): readonly string[] {
  const port = plan.closedPort
  return [
    ...chain('misled', ['jump known', `tcp dport 0-65535 dnat to :${port}`, `udp dport 0-65535 dnat to :${port}`]),
    ...chain('mislead', [
      `type nat hook prerouting priority ${NAT_PRIORITY}; policy accept;`,
      'iifname "lo" accept',
      ...jumps(plan, undefined, 'misled'),
    ]),
    ...chain('heed', [`type filter hook output priority ${LAST_PRIORITY}; policy accept;`, ...learnAnswer(port)]),
    ...chain('answer', [
      `type filter hook input priority ${LAST_PRIORITY}; policy accept;`,
      // With an answer from here, the flow is forgotten at once. Otherwise a flow that keeps its source port would stay
      // misled after its source has knocked.
      `udp dport ${port} ct status dnat reject with icmpx port-unreachable`,
    ]),
  ]
}

/**
 * The address types at which this host receives packets: its own addresses, and those shared with others on the link.
 */
const TAKEN_HERE = '{ local, broadcast, multicast, anycast }'

/** Returns rules that jump to a chain for packets to guarded ports of this host, or of other hosts of a family. */
function jumps({ services }: GuardPlan, family: Family | undefined, to: string): readonly string[] {
  const ours = services.filter(({ host }) => host?.family === family)
  if (ours.length === 0) return []
  return family === undefined
    ? [`fib daddr type ${TAKEN_HERE} ${SERVICE_KEY} { ${ours.map(keyText).join(', ')} } jump ${to}`]
    : [`${IP[family]} daddr . ${SERVICE_KEY} { ${ours.map(hostKeyText).join(', ')} } jump ${to}`]
}
