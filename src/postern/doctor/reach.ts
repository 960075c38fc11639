import type { Config, Service } from '../../config/config.ts'
import { protocolName } from '../../config/service.ts'
import type { Family } from '../../packet/address.ts'
import { allowing, answering } from '../../firewall/allow.ts'
import type { InForce } from '../../firewall/allow.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Port, Remedy } from '../../remedy/remedies.ts'
import { run } from '../../twin/agent.ts'
import { whoTakes } from '../../twin/cause/culprit.ts'
import type { Culprit } from '../../twin/cause/culprit.ts'
import type { Machine } from '../../twin/machine.ts'
import type { Namespace } from '../../twin/namespace.ts'
import type { Endpoint } from '../../twin/orders.ts'
import type { OpenedPort } from '../../twin/ports.ts'
import { portText, portsOf } from '../../twin/ports.ts'
import { publishedIn, targetText } from '../../twin/cause/published.ts'
import { takesAnswers } from '../../twin/cause/rule-failure.ts'
import { nftTables, ruleLines, rulesTextOf } from '../../twin/rules.ts'
import type { Rules } from '../../twin/rules.ts'
import { placeName, quoteRule } from '../../twin/cause/explanation.ts'
import { Twin } from '../../twin/twin.ts'
import type { Finding } from './finding.ts'

/** The time limit of a try at a port, in milliseconds. In the copy an answer takes about one. */
const TRY_MS = 700
const FAMILIES: readonly Family[] = [4, 6]
const GUARD_TABLE = 'inet postern'

/** A port that a door opens, with an address family. */
export interface Reached {
  readonly port: OpenedPort
  readonly family: Family
}

/** A port of a native door that stays shut behind the guard. */
export interface Shut extends Reached {
  /** The rule that takes the packets; `undefined` if it is unknown. */
  readonly culprit: Culprit | undefined
}

/** The results of the tries. */
export interface Reach {
  /** The ports that are open to a source that has not knocked. */
  readonly reached: readonly Reached[]
  /** The ports that are shut even to sources that the guard lets in. */
  readonly shut: readonly Shut[]
  readonly notCopied: readonly string[]
}

/**
 * Tries the ports of doors from an unknown source, on a copy of the machine's rules in a network namespace. Ports of
 * native doors are tried without the guard first, as sources that it has let in reach them.
 *
 * @throws Error if the copy cannot be made
 */
export async function tryReach(
  config: Config,
  machine: Machine,
  rules: Rules,
  listening: readonly number[],
): Promise<Reach> {
  const made: Namespace[] = []
  try {
    const rulesText = rulesTextOf(rules)
    const setting = { machine, rules, rulesText, alwaysAllow: config.options.alwaysAllow, from: [], run }
    const twin = await Twin.set(setting, (namespace) => void made.push(namespace))
    const endpoints: (Reached & { readonly endpoint: Endpoint })[] = []
    for (const family of FAMILIES) {
      const host = twin.hostOf(family)
      const [source] = await twin.knockers(family, [])
      if (host === undefined || source === undefined) continue
      for (const port of portsOfAll(config, family, rulesText, listening)) {
        const { protocol } = port
        for (const at of [port.listensAt, redirectOf(port, rulesText)]) {
          if (at !== undefined) await twin.server.ask('listen', { protocol, port: at })
        }
        endpoints.push({ port, family, endpoint: { protocol, host, port: port.port, source } })
      }
    }
    const isOpen = async (endpoint: Endpoint): Promise<boolean> =>
      (await twin.client.ask('attempt', { endpoint, limitMs: TRY_MS })) === 'open'
    const opened = config.doors.flatMap(({ opens }) => opens)
    const native = endpoints.filter(({ port }) => isIn(port, opened))
    const open = await Promise.all(native.map(async ({ endpoint }) => await isOpen(endpoint)))
    const shut: Shut[] = []
    for (const { port, family, endpoint } of native.filter((_, index) => !open[index])) {
      shut.push({ port, family, culprit: await whoTakes(twin, endpoint, async () => await isOpen(endpoint)) })
    }
    const guard = nftTables(rules.nft).find(({ name }) => name === GUARD_TABLE)
    if (guard !== undefined) await twin.run(['nft', '-f', '-'], guard.text)
    const reaches = await Promise.all(endpoints.map(async ({ endpoint }) => await isOpen(endpoint)))
    const reached = endpoints.filter((_, index) => reaches[index]).map(({ port, family }) => ({ port, family }))
    return { reached, shut, notCopied: twin.copied.faults }
  } finally {
    await Promise.all(made.map(async (namespace) => await namespace.close()))
  }
}

function portsOfAll(
  config: Config,
  family: Family,
  rules: string,
  listening: readonly number[],
): readonly OpenedPort[] {
  const ports = new Map<string, OpenedPort>()
  for (const door of config.doors) {
    const found = portsOf(door, family, { chosen: [], rules, listening: () => listening })
    if (found.kind === 'known') for (const port of found.ports) ports.set(portText(port), port)
  }
  return [...ports.values()]
}

/** Returns the port of this machine to which another port is redirected. */
function redirectOf({ protocol, port }: Port, rules: string): number | undefined {
  const nft = new RegExp(String.raw`\b${protocol} dport ${port} .*redirect to :(\d+)`)
  const iptables = new RegExp(String.raw`-p ${protocol} .*--dport ${port} .*-j REDIRECT --to-ports (\d+)`)
  const to = nft.exec(rules)?.[1] ?? iptables.exec(rules)?.[1]
  return to === undefined ? undefined : Number(to)
}

/** Returns true if a port of this machine is one of the services. */
function isIn({ protocol, port }: Port, services: readonly Service[]): boolean {
  return services.some(
    ({ protocol: its, first, last, host }) =>
      host === undefined && protocolName(its) === protocol && first <= port && port <= last,
  )
}

/** Finds ports that are open without a knock. The daemon hides the guard's ports as soon as it runs. */
export function judgeReached(
  reached: readonly Reached[],
  config: Config,
  rules: Rules,
  hide: (ports: readonly Port[]) => Remedy,
): readonly Finding[] {
  const guarded = [...config.options.guard, ...config.doors.flatMap(({ opens }) => opens)]
  const bare = reached.map(({ port }) => port).filter((port) => !isIn(port, guarded))
  const published = publishedIn(ruleLines(rules).map(({ text }) => text))
  return reached.map(({ port, family }) => {
    const forward = published.find((each) => portText(each) === portText(port) && each.to.address.family === family)
    const away =
      forward === undefined
        ? ''
        : `; its packets are forwarded to ${targetText(forward)}, and rules in INPUT never see them`
    const message = `${portText(port)} is open to everybody over IPv${family} without a knock${away}`
    const fix = isIn(port, guarded) ? REMEDIES.start(config.file) : hide(bare)
    return { severity: 'fault', subject: `open over IPv${family}`, message, fix }
  })
}

/** Finds ports of native doors that the machine's own firewall refuses even after a knock. */
export function judgeShut(
  shut: readonly Shut[],
  inForce: InForce,
  rules: Pick<Rules, 'saved' | 'tables'>,
): readonly Finding[] {
  return shut.map(({ port, family, culprit }): Finding => {
    const subject = `shut over IPv${family}`
    if (culprit === undefined) {
      const message = `${portText(port)} was not reached behind the guard in a copy of this machine, though no rule takes its packets`
      return { severity: 'note', subject, message }
    }
    const begun = `${portText(port)} stays shut to those who knock: ${quoteRule(culprit.rule)} in ${placeName(culprit)} takes`
    if (takesAnswers(culprit, rules)) {
      return { severity: 'fault', subject, message: `${begun} the answers`, fix: answering(port, culprit) }
    }
    const message = `${begun} the packets; the guard hides the port, and the machine's own firewall has to allow it`
    const fix = allowing(port, culprit, inForce)
    return { severity: 'fault', subject, message, ...(fix === undefined ? {} : { fix }) }
  })
}
