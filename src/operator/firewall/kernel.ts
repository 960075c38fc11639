import { parseArgs } from 'node:util'
import type { Config, Service } from '../../config/config.ts'
import type { Fault } from '../../text/fault.ts'
import { formatFault, quote } from '../../text/fault.ts'
import { iptablesRuleset } from '../../firewall/kernel/iptables.ts'
import { nftRuleset } from '../../firewall/kernel/nft.ts'
import { planKernel } from '../../firewall/kernel/plan.ts'
import type { Dialect } from '../../firewall/kernel/dialect.ts'
import type { KernelPlan } from '../../firewall/kernel/plan.ts'
import type { Family } from '../../packet/address.ts'
import { CONFIG_DEFAULT, UNUSABLE, USABLE, USAGE, examine } from '../check.ts'
import type { Output } from '../check.ts'
import { readAllowed } from './allowed.ts'
import { persist } from './persist.ts'
import type { Ruleset } from './place.ts'

const HELP = `usage: postern firewall kernel [-c FILE] [--format nft|iptables] [--family 4|6]
                               [--allow PORTS]... [--door NAME]...
                               [--persist [--dry-run] [--replace]]

Prints a complete ruleset with which the kernel does the knocking alone,
without a daemon: for doors with a fixed Sequence and Open_Ports. Other doors
are refused. All ports but those named are closed, so name those that are for
everybody.

  -c, --config FILE   the config; default: ${CONFIG_DEFAULT}
  --format nft        for nft -f; the default
  --format iptables   for iptables-restore and ip6tables-restore, with the
                      recent match
  --family 4|6        with --format iptables: only this family
  --allow PORTS       ports that stay open to everybody, as in tcp/80,tcp/443
  --door NAME         only this door, may be repeated; default: all doors
  --persist           write it where this machine loads its rules at boot, and
                      show what changes; loads nothing now
  --dry-run           with --persist: show what would change, and change nothing
  --replace           with --persist: also replace rules of other programs; a
                      copy of them is kept
  -h, --help          show this help

exit status: 0 done, 1 not written, 2 usage, 78 the config cannot be used, or
the kernel cannot do one of its doors

  postern firewall kernel --allow tcp/80,tcp/443 > kernel.nft
  nft -c -f kernel.nft
  postern firewall kernel --format iptables --family 4 |
    iptables-restore --noflush
  postern firewall kernel --allow tcp/80 --persist --dry-run
`

const FAMILIES: readonly Family[] = [4, 6]

/**
 * Runs `postern firewall kernel`. The ruleset goes to standard output; faults and the changes of `--persist` go to
 * standard error.
 *
 * @param root the folder that `--persist` uses as `/`
 * @returns the exit code
 */
export async function kernel(args: readonly string[], output: Output, root = '/'): Promise<number> {
  const asked = parse(args)
  if ('usage' in asked) {
    output.err(`postern: ${asked.usage}\n${HELP.slice(0, HELP.indexOf('\n\n'))}\n`)
    return USAGE
  }
  if (asked.help) {
    output.out(HELP)
    return USABLE
  }
  const { config, faults } = examine(asked.file)
  const tell = (list: readonly Fault[]): void => {
    for (const fault of list) output.err(`${formatFault(asked.file, fault)}\n`)
  }
  tell(faults)
  if (config === undefined) return UNUSABLE
  const missing = missingDoor(config, asked.doors)
  if (missing !== undefined) {
    output.err(`postern: ${asked.file} has no door ${quote(missing)}\n`)
    return USAGE
  }
  const { plan, faults: refusals } = planKernel(config, asked)
  tell(refusals)
  if (plan === undefined) {
    if (refusals.some(({ line }) => line > 1))
      output.err('  the kernel can do other doors: name each with --door NAME\n')
    return UNUSABLE
  }
  if (asked.persist) return await persist(rulesets(plan, asked), { ...asked, root }, output)
  output.out(printed(plan, asked))
  return USABLE
}

interface Asked {
  readonly file: string
  readonly dialect: Dialect
  readonly families: readonly Family[]
  readonly allowed: readonly Service[]
  readonly doors: readonly string[]
  readonly persist: boolean
  readonly dryRun: boolean
  readonly replace: boolean
  readonly help: boolean
}

function parse(args: readonly string[]): Asked | { readonly usage: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string', short: 'c', default: CONFIG_DEFAULT },
        format: { type: 'string', default: 'nft' },
        family: { type: 'string' },
        allow: { type: 'string', multiple: true, default: [] },
        door: { type: 'string', multiple: true, default: [] },
        persist: { type: 'boolean', default: false },
        'dry-run': { type: 'boolean', default: false },
        replace: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
      strict: true,
    })
    const { config: file, format, family, door: doors, persist: persists, 'dry-run': dryRun, replace, help } = values
    if (format !== 'nft' && format !== 'iptables') return { usage: '--format is nft or iptables' }
    if (family !== undefined && family !== '4' && family !== '6') return { usage: '--family is 4 or 6' }
    if (family !== undefined && format === 'nft')
      return { usage: "nft's rules are for both families: leave out --family" }
    if (!persists && (dryRun || replace)) return { usage: '--dry-run and --replace belong to --persist' }
    const allowed = readAllowed(values.allow)
    if ('usage' in allowed) return allowed
    const families = family === undefined ? FAMILIES : FAMILIES.filter((one) => String(one) === family)
    return { file, dialect: format, families, ...allowed, doors, persist: persists, dryRun, replace, help }
  } catch (error) {
    const [message = ''] = (error as Error).message.split('. ')
    return { usage: message.charAt(0).toLowerCase() + message.slice(1) }
  }
}

function missingDoor({ doors }: Config, names: readonly string[]): string | undefined {
  return names.find((name) => !doors.some((door) => door.name === name))
}

function rulesets(plan: KernelPlan, { dialect, families }: Asked): readonly Ruleset[] {
  const name = 'postern-kernel'
  if (dialect === 'nft') return [{ dialect, name, family: undefined, text: nftRuleset(plan) }]
  return families.map((family) => ({ dialect, name, family, text: iptablesRuleset(plan, family) }))
}

function printed(plan: KernelPlan, asked: Asked): string {
  const parts = rulesets(plan, asked)
  if (parts.length === 1) return parts[0]!.text
  return parts
    .map(({ family, text }) => `# ==== IPv${family}: --family ${family} prints this part alone ====\n${text}`)
    .join('\n')
}
