import type { Observation } from '../../twin/observation.ts'

/** The result of a check: passed, failed, or `undefined` if it was not tried. */
export interface Outcome {
  readonly good: boolean | undefined
  /** The measured time in milliseconds, if there is one. */
  readonly ms?: number
}

/** One row of a door's table. */
export interface Check {
  readonly name: string
  readonly label: string
  readonly outcome: (observation: Observation) => Outcome
}

const NOT_TRIED: Outcome = { good: undefined }

/** The rows of a door's table, in the order in which things happen. */
export const CHECKS: readonly Check[] = [
  { name: 'closedBefore', label: 'closed before the knock', outcome: closedBefore },
  { name: 'seen', label: 'the knock is seen', outcome: ({ seen, notTried }) => tried(notTried, seen) },
  { name: 'opens', label: 'opens after the knock', outcome: opens },
  { name: 'toNobodyElse', label: 'opens to nobody else', outcome: toNobodyElse },
  { name: 'survives', label: 'an established connection survives', outcome: ({ survived }) => ({ good: survived }) },
  { name: 'shuts', label: 'shuts what another door opened', outcome: shutsOther },
  { name: 'closes', label: 'closed after the deadline', outcome: closes },
  { name: 'restores', label: 'leaves the rules as they were', outcome: restores },
  { name: 'wrongOrder', label: 'a wrong order does not open it', outcome: ({ wrongOrder }) => not(wrongOrder) },
  { name: 'slowKnock', label: 'a slow knock does not open it', outcome: ({ slowKnock }) => not(slowKnock) },
  { name: 'portScan', label: 'a port scan does not open it', outcome: ({ portScan }) => not(portScan) },
]

function tried(notTried: string | undefined, good: boolean): Outcome {
  return notTried === undefined ? { good } : NOT_TRIED
}

function not(opened: boolean | undefined): Outcome {
  return { good: opened === undefined ? undefined : !opened }
}

function closedBefore({ before, shuts }: Observation): Outcome {
  return shuts || before.length === 0 ? NOT_TRIED : { good: !before.includes('open') }
}

function opens({ opened, before, seen, meant, commands, shuts }: Observation): Outcome {
  const failed = commands.some(({ part, status }) => part === 'start' && status !== 0)
  if (failed && !shuts) return { good: false }
  if (shuts || !meant || !seen || opened.length === 0) return NOT_TRIED
  // A port that was open before proves nothing.
  if (before.includes('open')) return NOT_TRIED
  return opened.includes(null) ? { good: false } : { good: true, ms: opened[0]! }
}

function toNobodyElse({ others }: Observation): Outcome {
  return others.length === 0 ? NOT_TRIED : { good: !others.includes('open') }
}

function closes({ closed, opened, before, shuts }: Observation): Outcome {
  if (closed === undefined || shuts || opened[0] === null || before.includes('open')) return NOT_TRIED
  return { good: closed !== null }
}

function shutsOther({ closed, shuts, inside }: Observation): Outcome {
  return shuts && inside && closed !== undefined ? { good: closed !== null } : NOT_TRIED
}

function restores({ left, lost, seen, meant, shuts, shutsItself }: Observation): Outcome {
  return !seen || !meant || shuts || !shutsItself ? NOT_TRIED : { good: left.length === 0 && lost.length === 0 }
}
