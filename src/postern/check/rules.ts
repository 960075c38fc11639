import type { Config } from '../../config/config.ts'
import type { Fault } from '../../text/fault.ts'
import { shutsItself } from '../../config/door-commands.ts'
import { quote } from '../../text/fault.ts'
import { chainOf } from '../../lint/iptables.ts'
import { nearest } from '../../text/nearest.ts'
import { programName } from '../../lint/shell.ts'
import type { Simple } from '../../lint/shell.ts'
import { placed } from '../../lint/placed-door.ts'
import type { PlacedDoor } from '../../lint/placed-door.ts'
import { textOf } from '../../lint/change.ts'
import { run } from '../../twin/agent.ts'
import { chainsIn } from '../../twin/cause/chains.ts'
import { chainsOf } from '../../twin/cause/command-failure.ts'
import { portsIn, portsOfDoors } from '../../twin/ports.ts'
import { takes, withoutEstablished } from '../../twin/cause/refusing.ts'
import { ruleLines, takeRules } from '../../twin/rules.ts'
import type { Rules } from '../../twin/rules.ts'
import { placeName, quoteRule } from '../../twin/cause/explanation.ts'
import { untrackedBy } from '../../twin/cause/untracked.ts'

/**
 * Returns warnings that a rehearsal would give too, as far as the machine's rules show them without a trial. Only root
 * can read the rules: other users get no warnings. Changes nothing.
 */
export async function faultsOfMachine(config: Config): Promise<readonly Fault[]> {
  if (process.geteuid?.() !== 0 || process.platform !== 'linux') return []
  return faultsOfRules(config, await takeRules(run))
}

/** Returns the warnings of {@link faultsOfMachine} for the given rules. */
export function faultsOfRules(config: Config, rules: Rules): readonly Fault[] {
  const ofCommands = config.doors.flatMap((door) => faultsOfCommands(placed(door, config), rules))
  return [...ofCommands, ...faultsOfSessions(config, rules)]
}

function faultsOfCommands({ commands }: PlacedDoor, rules: Rules): readonly Fault[] {
  return [...new Set([commands.start4, commands.start6])].flatMap((command) => {
    if (command === undefined || command.script.opaque) return []
    return command.script.commands.flatMap((words): readonly Fault[] => {
      const found = ofIptables(words, rules) ?? ofNft(words, rules)
      if (found === undefined) return []
      const { offset, message, hint } = found
      return [{ severity: 'warning', line: command.line, column: command.column + offset, message, hint }]
    })
  })
}

interface Found {
  readonly offset: number
  readonly message: string
  readonly hint: string
}

/** Finds a chain that does not exist, or a rule that would be added after one that takes its packets. */
function ofIptables(words: Simple, rules: Rules): Found | undefined {
  const { table, chain: word } = chainOf(words) ?? {}
  if (table === undefined || word === undefined || word.text.includes('$')) return undefined
  const name = programName(words)
  const there = chainsOf(name, table, rules)
  if (!there.includes(word.text)) {
    const meant = nearest(word.text, there)
    const hint = meant === undefined ? `there are: ${there.join(', ')}` : `did you mean ${quote(meant)}?`
    return { offset: word.offset, message: `${name} has no chain ${quote(word.text)}`, hint }
  }
  const append = words.find(({ text }) => text === '-A' || text === '--append')
  if (append === undefined) return undefined
  const ports = portsIn(textOf(words))
  for (const chain of chainsIn(rules)) {
    if (!chain.where.startsWith(name) || chain.table !== table || chain.name !== word.text) continue
    const ahead = chain.rules.find((rule) => takes(rule, ports))
    if (ahead === undefined) continue
    const message = `the rule would come after ${quoteRule(ahead)} in ${placeName({ where: chain.where, chain: chain.name })}, which takes the packets first`
    return { offset: append.offset, message, hint: 'write `-I` for `-A`: it puts the rule first' }
  }
  return undefined
}

/** Finds a table, chain or set of nft that does not exist. */
function ofNft(words: Simple, { nft }: Rules): Found | undefined {
  if (programName(words) !== 'nft') return undefined
  const text = textOf(words.slice(1)).replaceAll(/[{}]/g, ' $& ')
  const named = /^(?:add|insert|create) (rule|element) (?:(ip6?|inet|arp|bridge|netdev) )?([\w.-]+) ([\w.-]+)/.exec(
    text,
  )
  if (named === null) return undefined
  const [, kind, family = 'ip', table = '', name = ''] = named
  const body = new RegExp(`^table ${family} ${table.replaceAll('.', '\\.')} \\{[^\\n]*\\n[\\s\\S]*?^\\}`, 'm').exec(
    nft,
  )?.[0]
  const hint = 'create it first, where the machine loads its rules when it starts'
  const offset = words[0]!.offset
  if (body === undefined) return { offset, message: `nft has no table ${quote(`${family} ${table}`)}`, hint }
  const inside = [...body.matchAll(/^\t(chain|set|map) (\S+) \{/gm)]
  const all = inside.filter(([, its]) => (its === 'chain') === (kind === 'rule')).map(([, , its]) => its!)
  if (all.includes(name)) return undefined
  const what = kind === 'rule' ? 'chain' : 'set'
  const meant = nearest(name, all)
  const message = `table ${quote(`${family} ${table}`)} has no ${what} ${quote(name)}`
  return { offset, message, hint: meant === undefined ? hint : `did you mean ${quote(meant)}?` }
}

/** Returns warnings of firewalls with which sessions end, or do not begin. */
function faultsOfSessions(config: Config, rules: Rules): readonly Fault[] {
  const lines = ruleLines(rules).map(({ text }) => text)
  const text = lines.join('\n')
  const shutting = config.doors.filter((door) => shutsItself(door, 4) || shutsItself(door, 6))
  const ports = portsOfDoors({ doors: shutting }, text)
  const faults: Fault[] = []
  const warn = (message: string, hint: string): void => {
    faults.push({ severity: 'warning', line: 1, column: 1, message, hint })
  }
  const rehearsal = 'postern rehearse tries it on a copy of the rules, and shows the fix'
  const untracked = ([4, 6] as const)
    .map((family) => untrackedBy(rules, ports, family))
    .find((each) => each !== undefined)
  if (untracked !== undefined) {
    const at = `${quoteRule(untracked.rule)} in ${placeName(untracked)}`
    warn(`${at} keeps packets of a door from being tracked: a session dies when its door shuts`, rehearsal)
  }
  const dying = ports.length === 0 ? [] : withoutEstablished(rules, 'input', ports)
  for (const { where, name } of dying) {
    const at = placeName({ where, chain: name })
    warn(
      `${at} refuses what comes in and lets no established connection pass: a session dies when its door shuts`,
      rehearsal,
    )
  }
  for (const { where, name } of withoutEstablished(rules, 'output', portsOfDoors(config, text))) {
    warn(
      `${placeName({ where, chain: name })} lets no answers of established connections out: nobody can use an open door`,
      rehearsal,
    )
  }
  return faults
}
