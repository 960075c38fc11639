import { BASE_TABLE } from '../../../firewall/base/ruleset.ts'
import { TABLE } from '../../../firewall/guard/element.ts'
import { KERNEL_TABLE } from '../../../firewall/kernel/nft.ts'
import { USABLE, WARNED } from '../../check.ts'
import type { Output } from '../../check.ts'
import { canonical } from './canonical.ts'
import { Firewall } from './firewall.ts'
import type { OtherChain } from './firewall.ts'
import { persistedFiles } from './remove.ts'
import { TrialFile, sinceBoot } from './trial.ts'

/** How this machine's firewall stands, as far as it is ours. */
interface Standing {
  readonly base: 'absent' | 'on trial' | 'kept' | 'kept, but changed since' | 'there, but not by apply'
  readonly since: string | undefined
  /** Seconds until it is taken back. */
  readonly trialLeftS: number | undefined
  readonly guard: boolean
  readonly kernel: boolean
  /** Files that are loaded when the machine starts. */
  readonly persisted: readonly string[]
  readonly others: readonly OtherChain[]
}

/** `postern firewall status`. Gives the exit code: 0 where a base ruleset is in force as it was confirmed. */
export async function status(json: boolean, output: Output): Promise<number> {
  const standing = await lookAt()
  output.out(json ? `${JSON.stringify(standing, undefined, 2)}\n` : textOf(standing))
  return standing.base === 'kept' ? USABLE : WARNED
}

async function lookAt(): Promise<Standing> {
  const firewall = new Firewall()
  try {
    const trial = new TrialFile().read()
    const listed = firewall.list(BASE_TABLE)
    const left = trial?.phase === 'trial' ? (trial.deadline - sinceBoot()) / 1000 : undefined
    return {
      base: await stateOf(listed, trial),
      since: trial === undefined || listed === undefined ? undefined : new Date(trial.since).toISOString(),
      trialLeftS: left === undefined ? undefined : Math.max(0, Math.round(left)),
      guard: firewall.list(TABLE) !== undefined,
      kernel: firewall.list(KERNEL_TABLE) !== undefined,
      persisted: persistedFiles(),
      others: firewall.others([BASE_TABLE, TABLE, KERNEL_TABLE]),
    }
  } finally {
    firewall.close()
  }
}

async function stateOf(listed: string | undefined, trial: ReturnType<TrialFile['read']>): Promise<Standing['base']> {
  if (listed === undefined) return 'absent'
  if (trial === undefined) return 'there, but not by apply'
  if (trial.phase === 'trial') return 'on trial'
  return (await canonical(BASE_TABLE, trial.after)) === listed ? 'kept' : 'kept, but changed since'
}

function textOf({ base, since, trialLeftS, guard, kernel, persisted, others }: Standing): string {
  const lines = [
    `base ruleset: ${base}${since === undefined ? '' : `, since ${since}`}`,
    ...(trialLeftS === undefined ? [] : [`  taken back in ${trialLeftS} s, unless: postern firewall confirm`]),
    `guard: ${guard ? 'in force' : 'absent'}`,
    ...(kernel ? ['knocking in the kernel: in force'] : []),
    `loaded when the machine starts: ${persisted.length === 0 ? 'no' : persisted.join(', ')}`,
    ...(others.length === 0 ? [] : ['rules of others that judge what comes in:']),
    ...others.map(({ name, policy }) => `  ${name}, policy ${policy}`),
  ]
  return `${lines.join('\n')}\n`
}
