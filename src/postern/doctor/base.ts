import type { Confirmed } from '../../base/confirmed.ts'
import { BaseFiles } from '../../base/files.ts'
import type { Config } from '../../config/config.ts'
import { lookAt } from '../firewall/base/standing.ts'
import { loadedFiles } from '../firewall/unpersist.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Loaded } from './boot.ts'
import type { Finding } from './finding.ts'

/** Returns the problems of the base ruleset, the same as those of `postern firewall status`. */
export async function judgeBase(config: Config): Promise<readonly Finding[]> {
  try {
    const { problems } = await lookAt(config)
    return problems.map(({ message, command }) => ({
      severity: 'fault',
      subject: 'base ruleset',
      message,
      fix: command,
    }))
  } catch (error) {
    const message = `cannot read the base ruleset: ${(error as Error).message}`
    return [{ severity: 'note', subject: 'base ruleset', message }]
  }
}

/** Determines the base rulesets that are loaded when the machine starts. */
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
