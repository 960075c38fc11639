import type { Config, Service } from '../config/config.ts'
import { formatService, hasPort, readService } from '../config/service.ts'
import { misfitOf } from '../firewall/base/misfit.ts'
import type { Misfit } from '../firewall/base/misfit.ts'
import { TCP } from '../packet/packet.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import type { Remedy } from '../remedy/remedies.ts'
import type { Confirmed } from './confirmed.ts'

/** A problem of the base ruleset that an operator should know, and the command that fixes it. */
export interface Problem {
  /** Lower case, no full stop. */
  readonly message: string
  readonly command: Remedy
}

/** Returns the differences between the confirmed ruleset and the config. */
export function misfitWith({ allowed, guarded, commandDoors }: Confirmed, config: Config): Misfit {
  return misfitOf({ allowed: servicesIn(allowed), guarded: servicesIn(guarded), commandDoors }, config)
}

/** Returns true if the ruleset lets packets in at a TCP port of this host, with or without a knock. */
export function letsIn({ allowed, guarded }: Confirmed, port: number): boolean {
  return hasPort([...servicesIn(allowed), ...servicesIn(guarded)], { protocol: TCP, port })
}

/** Returns the differences as problems. */
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

/** Formats ports in the form of `--allow`. */
export function servicesText(services: readonly Service[]): string {
  return services.map(formatService).join(',')
}

function servicesIn(text: string): readonly Service[] {
  return text === '' ? [] : text.split(',').flatMap((one) => readService(one) ?? [])
}
