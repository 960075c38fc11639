import { DONE, FAILED } from '../../../cli/exit-code.ts'
import type { Output } from '../../../cli/output.ts'
import type { StatusArguments } from './arguments.ts'
import { lookAt } from './standing.ts'
import type { Standing } from './standing.ts'

/** Runs `postern firewall status`. Returns 0 if the confirmed base ruleset is in force without problems. */
export async function status({ json }: StatusArguments, output: Output): Promise<number> {
  const standing = await lookAt()
  output.out(json ? `${JSON.stringify(standing, undefined, 2)}\n` : textOf(standing))
  return standing.base === 'kept' && standing.problems.length === 0 ? DONE : FAILED
}

function textOf({ base, since, trialLeftS, guard, kernel, persisted, others, problems }: Standing): string {
  const lines = [
    `base ruleset: ${base}${since === undefined ? '' : `, since ${since}`}`,
    ...(trialLeftS === undefined || base !== 'on trial'
      ? []
      : [`  taken back in ${trialLeftS} s, unless: postern firewall confirm`]),
    `guard: ${guard ? 'in force' : 'absent'}`,
    ...(kernel ? ['knocking in the kernel: in force'] : []),
    `loaded when the machine starts: ${persisted.length === 0 ? 'no' : persisted.join(', ')}`,
    ...(others.length === 0 ? [] : ['other rules that filter incoming packets:']),
    ...others.map(({ name, policy }) => `  ${name}, policy ${policy}`),
    ...problems.flatMap(({ message, command }) => [message, `  ${command}`]),
  ]
  return `${lines.join('\n')}\n`
}
