import { CONFIG_UNUSABLE, DONE, USAGE } from '../../cli/exit-code.ts'
import type { Output } from '../../cli/output.ts'
import type { Config } from '../../config/config.ts'
import { formatFault, quote } from '../../text/fault.ts'
import { iptablesRuleset } from '../../firewall/kernel-only/iptables.ts'
import { nftRuleset } from '../../firewall/kernel-only/nft.ts'
import { planKernel } from '../../firewall/kernel-only/plan.ts'
import type { KernelPlan } from '../../firewall/kernel-only/plan.ts'
import { examineAloud } from '../check/check.ts'
import type { KernelArguments } from './arguments.ts'
import { persist } from './persist.ts'
import type { Ruleset } from './place.ts'

/**
 * Runs `postern firewall kernel`. The ruleset goes to standard output; faults and the changes of `--persist` go to
 * standard error.
 *
 * @param root the folder that `--persist` uses as `/`
 * @returns the exit code
 */
export async function kernel(asked: KernelArguments, output: Output, root = '/'): Promise<number> {
  const config = examineAloud(asked.file, output)
  if (config === undefined) return CONFIG_UNUSABLE
  const missing = missingDoor(config, asked.doors)
  if (missing !== undefined) {
    output.err(`postern: ${asked.file} has no door ${quote(missing)}\n`)
    return USAGE
  }
  const { plan, faults: refusals } = planKernel(config, asked)
  for (const fault of refusals) output.err(`${formatFault(asked.file, fault)}\n`)
  if (plan === undefined) {
    if (refusals.some(({ line }) => line > 1))
      output.err('  the kernel can do other doors: name each with --door NAME\n')
    return CONFIG_UNUSABLE
  }
  if (asked.persist) return await persist(rulesets(plan, asked), { ...asked, root }, output)
  output.out(printed(plan, asked))
  return DONE
}

function missingDoor({ doors }: Config, names: readonly string[]): string | undefined {
  return names.find((name) => !doors.some((door) => door.name === name))
}

function rulesets(plan: KernelPlan, { dialect, families }: KernelArguments): readonly Ruleset[] {
  const name = 'postern-kernel'
  if (dialect === 'nft') return [{ dialect, name, family: undefined, text: nftRuleset(plan) }]
  return families.map((family) => ({ dialect, name, family, text: iptablesRuleset(plan, family) }))
}

function printed(plan: KernelPlan, asked: KernelArguments): string {
  const parts = rulesets(plan, asked)
  if (parts.length === 1) return parts[0]!.text
  return parts
    .map(({ family, text }) => `# ==== IPv${family}: --family ${family} prints this part alone ====\n${text}`)
    .join('\n')
}
