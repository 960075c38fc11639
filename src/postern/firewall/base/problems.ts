import { misfitProblems } from '../../../base/problem.ts'
import type { Problem } from '../../../base/problem.ts'
import { reasonAgainst } from '../../../base/put-back.ts'
import type { Confirmed } from '../../../base/confirmed.ts'
import type { Config } from '../../../config/config.ts'
import type { BaseListing } from '../../../firewall/base/listing.ts'
import { REMEDIES } from '../../../remedy/remedies.ts'
import type { Remedy } from '../../../remedy/remedies.ts'

/** The observations from which {@link problemsOf} finds problems. */
export interface Seen {
  readonly listing: BaseListing
  /** True if the table is the one that was confirmed. */
  readonly same: boolean
  readonly trial: 'none' | 'under way' | 'over'
  readonly confirmed: Confirmed | undefined
  /** The reason why the record of the confirmed ruleset cannot be read. */
  readonly unreadable: string | undefined
  readonly config: Config | undefined
  readonly guard: boolean
  /** Base rulesets that are loaded when the machine starts. */
  readonly persisted: readonly { readonly path: string; readonly text: string }[]
  /** Lines of the machine's files that include a missing base ruleset. */
  readonly dangling: readonly { readonly main: string; readonly line: string }[]
  readonly certain: boolean
}

/** Returns the problems of the base ruleset, each with the command that fixes it. */
export function problemsOf(seen: Seen): readonly Problem[] {
  if (seen.trial === 'under way') return []
  return [...ofRecord(seen), ...ofRules(seen), ...ofStart(seen)]
}

function ofRecord({ unreadable }: Seen): readonly Problem[] {
  if (unreadable === undefined) return []
  // The error of the record may have a remedy on its second line.
  const [message = '', remedy = REMEDIES.applyAnew()] = unreadable.split('\n').map((line) => line.trim())
  return [{ message, command: remedy as Remedy }]
}

function ofRules(seen: Seen): readonly Problem[] {
  const { listing, trial, confirmed, same, config, guard } = seen
  if (trial === 'over') {
    return [
      { message: 'a trial has ended, and nobody took it back: everything is let in', command: REMEDIES.restoreBase() },
    ]
  }
  if (listing === 'trial') {
    const message = 'a trial was left behind, and nothing ends it: everything is let in'
    return [{ message, command: confirmed === undefined ? REMEDIES.removeBase() : REMEDIES.restoreBase() }]
  }
  if (confirmed === undefined) return []
  if (listing !== 'rules') return [gone(confirmed, seen)]
  const problems: Problem[] = []
  if (!same)
    problems.push({ message: 'the base ruleset was changed since it was confirmed', command: REMEDIES.restoreBase() })
  if (!guard && confirmed.guarded !== '') {
    const message = `${confirmed.guarded} is open to everybody: the base ruleset leaves it to the guard, which is absent`
    problems.push({ message, command: REMEDIES.start(confirmed.config) })
  }
  if (config === undefined) {
    const message = `cannot tell whether the base ruleset fits ${confirmed.config}: the config cannot be used`
    return [...problems, { message, command: REMEDIES.check(confirmed.config) }]
  }
  return [...problems, ...misfitProblems(confirmed, config)]
}

function gone(confirmed: Confirmed, { config, certain }: Seen): Problem {
  const message = 'the base ruleset that was confirmed is not in force: everything is let in'
  const against = config === undefined ? undefined : reasonAgainst(confirmed, config, certain)
  if (against === undefined) return { message, command: REMEDIES.restoreBase() }
  return { message: `${message}; ${against.message}`, command: against.command }
}

/** Returns the problems of the rules that are loaded when the machine starts. */
function ofStart({ confirmed, persisted, dangling, trial, listing }: Seen): readonly Problem[] {
  // A ruleset that is in force without a confirmation is not removed: it still refuses packets.
  const unknown = listing === 'rules' ? REMEDIES.applyAnew(true) : REMEDIES.removeBase()
  const again = confirmed === undefined ? unknown : persisting(confirmed)
  const problems = dangling.map(({ main, line }) => ({
    message: `${main} has the line ${line}, and there is no such file: nothing of ${main} is loaded when the machine starts`,
    command: again,
  }))
  const [first] = persisted
  if (first === undefined) {
    if (confirmed?.persist === undefined || dangling.length > 0) return problems
    return [
      ...problems,
      { message: 'the base ruleset was to be loaded when the machine starts, and is not', command: again },
    ]
  }
  if (confirmed === undefined) {
    const message = `${first.path} is loaded when the machine starts, but no base ruleset is confirmed`
    // The rules in force may come from this file.
    return trial === 'over' || listing === 'rules' ? problems : [...problems, { message, command: again }]
  }
  if (persisted.some(({ text }) => text === confirmed.persist)) return problems
  const message = `${first.path} is loaded when the machine starts, and is not the base ruleset that was confirmed`
  return [...problems, { message, command: again }]
}

function persisting(confirmed: Confirmed): Remedy {
  return REMEDIES.applyBase({ ...confirmed, persist: confirmed.persist ?? '' }, confirmed.config)
}
