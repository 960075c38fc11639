import { existsSync, readFileSync } from 'node:fs'
import { BaseFiles } from '../../../base/files.ts'
import { Firewall } from '../../../base/firewall.ts'
import type { OtherChain } from '../../../base/firewall.ts'
import type { Confirmed } from '../../../base/confirmed.ts'
import type { Problem } from '../../../base/problem.ts'
import { isOver, sinceBoot } from '../../../base/trial.ts'
import type { Trial } from '../../../base/trial.ts'
import type { Config } from '../../../config/config.ts'
import { readListing } from '../../../firewall/base/listing.ts'
import { BASE_TABLE } from '../../../firewall/base/ruleset.ts'
import { TABLE } from '../../../firewall/guard/element.ts'
import { KERNEL_TABLE } from '../../../firewall/kernel-only/nft.ts'
import { examine } from '../../check/check.ts'
import { includes, loadedFiles } from '../unpersist.ts'
import { canonical } from './canonical.ts'
import { problemsOf } from './problems.ts'
import type { Seen } from './problems.ts'

/** The state of Postern's rules in this machine's firewall. */
export interface Standing {
  readonly base:
    'absent' | 'on trial' | 'left by a trial' | 'kept' | 'kept, but changed since' | 'present, but not loaded by apply'
  readonly since: string | undefined
  /** Seconds until the trial is taken back. */
  readonly trialLeftS: number | undefined
  readonly guard: boolean
  readonly kernel: boolean
  /** The base rulesets that are loaded when the machine starts. */
  readonly persisted: readonly string[]
  readonly others: readonly OtherChain[]
  readonly problems: readonly Problem[]
}

/**
 * Reads the state of the firewall, and changes nothing.
 *
 * @param given the config; default: the one that the ruleset was made from
 * @throws NftablesError, or MissingLibraryError
 */
export async function lookAt(given?: Config): Promise<Standing> {
  const firewall = new Firewall()
  try {
    const files = new BaseFiles()
    const trial = files.trial.read()
    const { confirmed, unreadable } = recordOf(files)
    const listed = firewall.list(BASE_TABLE)
    const same = confirmed !== undefined && listed !== undefined && (await isSame(confirmed, listed))
    const state = trial === undefined ? 'none' : isOver(trial) ? 'over' : 'under way'
    const seen: Seen = {
      listing: readListing(listed),
      same,
      trial: state,
      confirmed,
      unreadable,
      config: given ?? (confirmed === undefined ? undefined : examine(confirmed.config).config),
      guard: firewall.list(TABLE) !== undefined,
      persisted: loadedFiles().map((path) => ({ path, text: readFileSync(path, 'utf8') })),
      dangling: (await includes()).filter(({ line }) => !existsSync(/"([^"]*)"/.exec(line)?.[1] ?? '/')),
      certain: files.certain,
    }
    return {
      base: baseOf(seen),
      since: sinceOf(seen, trial),
      trialLeftS: trial === undefined ? undefined : Math.max(0, Math.round((trial.deadline - sinceBoot()) / 1000)),
      guard: seen.guard,
      kernel: firewall.list(KERNEL_TABLE) !== undefined,
      persisted: seen.persisted.map(({ path }) => path),
      others: firewall.others([BASE_TABLE, TABLE, KERNEL_TABLE]),
      problems: problemsOf(seen),
    }
  } finally {
    firewall.close()
  }
}

function recordOf(files: BaseFiles): Pick<Seen, 'confirmed' | 'unreadable'> {
  try {
    return { confirmed: files.confirmed.read(), unreadable: undefined }
  } catch (error) {
    return { confirmed: undefined, unreadable: (error as Error).message }
  }
}

async function isSame({ rules }: Confirmed, listed: string): Promise<boolean> {
  const [same] = await canonical([BASE_TABLE], rules)
  return same === listed
}

function baseOf({ listing, same, trial, confirmed }: Seen): Standing['base'] {
  if (listing === 'absent') return 'absent'
  if (trial === 'under way') return 'on trial'
  if (listing === 'trial') return 'left by a trial'
  if (confirmed === undefined) return 'present, but not loaded by apply'
  return same ? 'kept' : 'kept, but changed since'
}

function sinceOf({ listing, confirmed }: Seen, trial: Trial | undefined): string | undefined {
  const since = (trial?.confirmed ?? confirmed)?.since
  return since === undefined || listing === 'absent' ? undefined : new Date(since).toISOString()
}
