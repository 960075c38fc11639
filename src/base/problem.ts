import type { Config, Service } from '../config/config.ts'
import { formatService, readServices } from '../config/service.ts'
import { misfitOf } from '../firewall/base/misfit.ts'
import type { Misfit } from '../firewall/base/misfit.ts'
import { TCP } from '../packet/packet.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import type { Remedy } from '../remedy/remedies.ts'
import type { Confirmed } from './confirmed.ts'

/** Something about the base ruleset that an operator should know, and the command that fixes it. */
export interface Problem {
  /** Lower case, no full stop. */
  readonly message: string
  readonly command: Remedy
}

/** What is read was written by this program. */
const NO_FAULTS = { error: () => undefined, warning: () => undefined }

/** How the confirmed ruleset and the config have come apart. */
export function misfitWith({ allowed, guarded, commandDoors }: Confirmed, config: Config): Misfit {
  return misfitOf({ allowed: servicesIn(allowed), guarded: servicesIn(guarded), commandDoors }, config)
}

/** Whether it lets in at a TCP port of this host, knocked or not. */
export function letsIn({ allowed, guarded }: Confirmed, port: number): boolean {
  const services = [...servicesIn(allowed), ...servicesIn(guarded)]
  return services.some(({ protocol, first, last }) => protocol === TCP && first <= port && port <= last)
}

/** The same as problems. */
export function misfitProblems(confirmed: Confirmed, config: Config): readonly Problem[] {
  const { refused, exposed, commandDoors } = misfitWith(confirmed, config)
  const command = REMEDIES.applyBase(confirmed, config.file)
  const problems: Problem[] = []
  if (refused.length > 0) {
    problems.push({ message: `the base ruleset refuses ${servicesText(refused)}, which the config opens`, command })
  }
  if (exposed.length > 0) {
    const message = `the base ruleset lets everybody in at ${servicesText(exposed)}: the config no longer guards it`
    problems.push({ message, command })
  }
  if (commandDoors.length > 0) {
    const message = `the base ruleset may refuse what the command of door ${commandDoors.join(', ')} lets in`
    problems.push({ message: `${message}: use Open_Ports`, command })
  }
  return problems
}

/** Ports as `--allow` takes them. */
export function servicesText(services: readonly Service[]): string {
  return services.map(formatService).join(',')
}

function servicesIn(text: string): readonly Service[] {
  return text === '' ? [] : text.split(',').flatMap((one) => readServices(one, NO_FAULTS) ?? [])
}
