import type { Config, Door, Service } from '../../config/config.ts'
import { quote } from '../../text/fault.ts'
import { formatService } from '../../config/service.ts'
import type { Family } from '../../packet/address.ts'
import { basePlan } from '../base/ruleset.ts'
import { without } from '../guard/merge.ts'
import type { Dialect } from './dialect.ts'
import { iptablesRuleset } from './iptables.ts'
import { nftRuleset } from './nft.ts'
import { planKernel } from './plan.ts'
import { readPrinted } from './printed.ts'
import type { Printed } from './printed.ts'

/** The differences between a printed ruleset and the current config. */
export interface KernelMisfit {
  /** The differences in words, without secrets. */
  readonly reasons: readonly string[]
  /**
   * The fix. `print`: print the ruleset again. `look`: the same, but the ruleset accepts packets that the new one does
   * not. `replace`: the kernel cannot do what the config says.
   */
  readonly fix: 'print' | 'look' | 'replace'
  /** The doors to name; empty means all. */
  readonly doors: readonly string[]
  readonly allowed: readonly Service[]
}

/**
 * Compares a printed ruleset with the current config. Doors that the ruleset lacks count only if it refuses their
 * ports. Returns `undefined` if there is no difference.
 */
export function kernelMisfitOf(
  printed: Printed & { readonly allowed: readonly Service[] },
  config: Config,
  { dialect, family }: { readonly dialect: Dialect; readonly family: Family | undefined },
): KernelMisfit | undefined {
  const isPrinted = ({ name }: Door): boolean => printed.doors.some(({ quoted }) => quoted === quote(name))
  const refused = ({ opens }: Door): readonly Service[] =>
    without(
      opens.filter(({ host }) => host === undefined),
      printed.allowed,
    )
  const chosen = config.doors.filter((door) => isPrinted(door) || refused(door).length > 0)
  const hidden = [...config.options.guard, ...chosen.flatMap(({ opens }) => opens)]
  const allowed = without(printed.allowed, hidden)
  const all = chosen.length === config.doors.length
  const doors = all ? [] : [...new Set(chosen.map(({ name }) => name))]
  const reasons = [
    ...printed.doors
      .filter(({ quoted }) => !config.doors.some(({ name }) => quote(name) === quoted))
      .map(({ quoted }) => `door ${quote(quoted.slice(1, -1))} is no longer in the config`),
    ...chosen
      .filter((door) => !isPrinted(door))
      .map((door) => `it refuses ${listOf(refused(door))}, which door ${quote(door.name)} opens`),
    ...without(printed.allowed, allowed).map(
      (one) => `it opens ${formatService(one)} to everybody, but the config hides it`,
    ),
  ]
  // Without a door to choose, the plan would have all of them.
  const { plan, faults } = chosen.length === 0 && !all ? NOTHING : planKernel(config, { dialect, doors, allowed })
  if (plan === undefined) {
    const errors = faults.filter(({ severity }) => severity === 'error').map(({ message }) => message)
    reasons.push(...errors)
    if (reasons.length === 0) reasons.push('it has none of the doors of the config')
    return {
      reasons,
      fix: 'replace',
      doors,
      allowed: without(allowed, basePlan(config, []).guarded),
    }
  }
  const again = readPrinted(dialect === 'nft' ? nftRuleset(plan) : iptablesRuleset(plan, family ?? 4))!
  if (again.lines.join('\n') === printed.lines.join('\n')) return undefined
  reasons.push(...differences(printed, again))
  const lost = losing(printed, again, hidden)
  return {
    reasons: reasons.length > 0 ? reasons : ['its rules are not those that are printed for this config now'],
    fix: lost ? 'look' : 'print',
    doors,
    allowed,
  }
}

const NOTHING = { plan: undefined, faults: [] } as const

/** Compares two rulesets in what their headings say, and in their knocks. */
function differences(before: Printed, now: Printed): readonly string[] {
  const reasons = before.doors.flatMap((door) => {
    const other = now.doors.find(({ quoted }) => quoted === door.quoted)
    if (other === undefined) return []
    const name = `door ${quote(door.quoted.slice(1, -1))}`
    return [
      ...(door.ports === other.ports ? [] : [`${name} opens ${other.ports}, not ${door.ports}`]),
      ...(door.openFor === other.openFor ? [] : [`${name} is open for ${other.openFor}, not ${door.openFor}`]),
      ...(door.within === other.within
        ? []
        : [`the knocks of ${name} take at most ${other.within}, not ${door.within}`]),
      ...(door.knocks === other.knocks ? [] : [`${name} has other knocks`]),
    ]
  })
  if (before.closed !== now.closed) reasons.push('Hide_With has changed')
  if (before.scan !== now.scan) reasons.push('Scan_Ports or Scan_Ignore has changed')
  return reasons
}

/**
 * Returns true if a ruleset accepts packets that the new one does not, beside those of its doors and of ports to hide.
 * Such a rule may be somebody's own.
 */
function losing(before: Printed, now: Printed, hidden: readonly Service[]): boolean {
  const kept = new Set(now.lines.map((line) => line.trim()))
  return before.lines
    .map((line) => line.trim())
    .filter((line) => /^[^#].*\baccept$/i.test(line) && !/@open_|--name postern_open_/.test(line) && !kept.has(line))
    .some((line) => !isAllowance(line, hidden))
}

/** Returns true for the rule that opens a port to everybody, or several, if one of them is to be hidden. */
function isAllowance(line: string, hidden: readonly Service[]): boolean {
  const match = /^(?:-A INPUT -p )?(tcp|udp) (?:--)?dport (\d+)(?:[:-](\d+))?(?: -j)? accept$/i.exec(line)
  if (match === null) return false
  const [, name, first = '', last = first] = match
  return hidden.some(
    (one) => formatService(one).startsWith(`${name}/`) && one.first <= Number(last) && Number(first) <= one.last,
  )
}

function listOf(services: readonly Service[]): string {
  return services.map(formatService).join(', ')
}
