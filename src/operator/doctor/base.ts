import type { Confirmed } from '../../base/confirmed.ts'
import { BaseFiles } from '../../base/files.ts'
import type { Config } from '../../config/config.ts'
import { lookAt } from '../firewall/base/standing.ts'
import { loadedFiles } from '../firewall/unpersist.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Loaded } from './boot.ts'
import type { Finding } from './finding.ts'

/** What is wrong with the base ruleset, as `postern firewall status` has it. */
export async function judgeBase(config: Config): Promise<readonly Finding[]> {
  try {
    const { problems } = await lookAt(config)
    return problems.map(({ message, command }) => ({
      severity: 'fault',
      subject: 'base ruleset',
      message,
      mend: command,
    }))
  } catch (error) {
    const message = `the base ruleset could not be looked at: ${(error as Error).message}`
    return [{ severity: 'note', subject: 'base ruleset', message }]
  }
}

/** What of the base ruleset is loaded when the machine starts. */
export function loadedBase(): Loaded {
  const base = loadedFiles()
  let confirmed: Confirmed | undefined
  try {
    confirmed = new BaseFiles().confirmed.readIfUsable()
  } catch {
    confirmed = undefined
  }
  return {
    base,
    guarded: confirmed?.guarded ?? '',
    persistCommand:
      confirmed === undefined || confirmed.persist !== undefined || base.length > 0
        ? undefined
        : REMEDIES.applyBase({ ...confirmed, persist: '' }, confirmed.config),
  }
}
