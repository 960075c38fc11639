import type { Knock } from '../config/config.ts'
import { formatKnock } from '../config/sequence.ts'
import type { Effect, Opened } from '../gate/effect.ts'
import { TCP } from '../packet/packet.ts'
import type { LogEvent } from './event.ts'

/** Returns the events of a decision of the gate other than to open: at least one, and one for each door that it is about. */
export function eventsOf(effect: Exclude<Effect, Opened>): readonly LogEvent[] {
  const { source } = effect
  switch (effect.kind) {
    case 'stage':
      return effect.doors.map((door) => ({ kind: 'stage', source, door, stage: effect.stage }))
    case 'timeout':
      return effect.doors.map((door) => ({ kind: 'sequence-timeout', source, door, stage: effect.stage }))
    case 'broken': {
      const about = { source, stage: effect.stage, knock: knockText(effect.knock), reason: 'wrong knock' }
      return effect.doors.map((door) => ({ kind: 'explanation', door, ...about }))
    }
    case 'scan': {
      const { stage } = effect
      const scan = { kind: 'scan', source, ignoredSeconds: Math.round(effect.ignoredMs / 1000) } as const
      return stage > 0 ? [scan, { kind: 'explanation', source, stage, reason: 'scan' }] : [scan]
    }
    case 'guesses': {
      const ignoredSeconds = Math.round(effect.ignoredMs / 1000)
      return [{ kind: 'wrong-codes', source, ignoredSeconds, behindSequence: effect.behind }]
    }
    case 'withheld': {
      const { door, stage, why: reason, strays } = effect
      return [{ kind: 'withheld', source, door, stage, reason, strays }]
    }
    case 'ignored':
      return [{ kind: 'explanation', source, knock: knockText(effect.knock), reason: effect.reason }]
    default:
      return effect satisfies never
  }
}

/** Formats a knock for the log: as in a config, but with `:tcp`. */
function knockText(knock: Knock): string {
  return knock.protocol === TCP ? `${knock.port}:tcp` : formatKnock(knock)
}
