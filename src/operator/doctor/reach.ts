import type { Config } from '../../config/config.ts'
import { protocolName } from '../../config/service.ts'
import type { Family } from '../../packet/address.ts'
import { run } from '../rehearse/agent.ts'
import type { Machine } from '../rehearse/machine.ts'
import type { Namespace } from '../rehearse/namespace.ts'
import type { OpenedPort } from '../rehearse/ports.ts'
import { portsOf } from '../rehearse/ports.ts'
import { nftTables, ruleLines } from '../rehearse/rules.ts'
import type { Rules } from '../rehearse/rules.ts'
import { Stage } from '../rehearse/stage.ts'
import type { Finding } from './finding.ts'
import { shellWord } from './finding.ts'

/** Milliseconds a port is tried for: on a link without delay an answer comes in one. */
const TRY_MS = 700
const FAMILIES: readonly Family[] = [4, 6]
const GUARD_TABLE = 'inet postern'

/** A port that a door opens and that a stranger reaches without any knock. */
export interface Reached {
  readonly port: OpenedPort
  readonly family: Family
}

/**
 * Tries the ports that doors open from an address of a stranger, on a copy of the machine's rules in a network namespace.
 *
 * @throws Error if the copy cannot be made
 */
export async function reachedByStrangers(
  config: Config,
  machine: Machine,
  rules: Rules,
  listening: readonly number[],
): Promise<{ readonly reached: readonly Reached[]; readonly notCopied: readonly string[] }> {
  const made: Namespace[] = []
  try {
    const rulesText = [rules.nft, ...ruleLines(rules).map(({ text }) => text)].join('\n')
    const setting = { machine, rules, rulesText, alwaysAllow: config.options.alwaysAllow, from: [], run }
    const stage = await Stage.set(setting, (namespace) => void made.push(namespace))
    const guard = nftTables(rules.nft).find(({ name }) => name === GUARD_TABLE)
    if (guard !== undefined) await stage.run(['nft', '-f', '-'], guard.text)
    const reached: Reached[] = []
    const served = new Set<string>()
    for (const family of FAMILIES) {
      const host = stage.hostOf(family)
      const source = await stage.knocker(family, [])
      if (host === undefined || source === undefined) continue
      for (const port of portsOfAll(config, family, rulesText, listening)) {
        const name = `${port.protocol}/${port.listensAt}`
        if (!served.has(name)) {
          served.add(name)
          await stage.server.ask('listen', { protocol: port.protocol, port: port.listensAt })
        }
        const spot = { protocol: port.protocol, host, port: port.port, source }
        if ((await stage.client.ask('attempt', { spot, limitMs: TRY_MS })) === 'open') reached.push({ port, family })
      }
    }
    return { reached, notCopied: stage.copied.faults }
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
    const found = portsOf(door, family, { chosen: [], rules, listening })
    if (found.kind === 'known') for (const port of found.ports) ports.set(`${port.protocol}/${port.port}`, port)
  }
  return [...ports.values()]
}

/** Ports that are no secret to anybody. What the guard is to hide, the daemon hides as soon as it runs. */
export function judgeReached(reached: readonly Reached[], { doors, options, file }: Config): readonly Finding[] {
  const guarded = [...options.guard, ...doors.flatMap(({ opens }) => opens)]
  return reached.map(({ port: { protocol, port }, family }) => {
    const message = `${protocol}/${port} is open to all over IPv${family}: nobody has to knock`
    const program = family === 4 ? 'iptables' : 'ip6tables'
    const isGuarded = guarded.some(
      (service) => protocolName(service.protocol) === protocol && service.first <= port && port <= service.last,
    )
    const mend = isGuarded
      ? `knockd -d -c ${shellWord(file)}`
      : `${program} -A INPUT -p ${protocol} --dport ${port} -j DROP`
    return { severity: 'fault', subject: `open over IPv${family}`, message, mend }
  })
}
