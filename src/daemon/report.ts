import type { Effect } from '../gate/effect.ts'
import { UDP } from '../packet/packet.ts'
import type { Log } from './log/log.ts'

/**
 * Logs a decision of the gate.
 *
 * @param inOrder sorts the names of doors by their places in the config
 */
export function report(log: Log, effect: Effect, inOrder: (doors: readonly string[]) => readonly string[]): void {
  const { source } = effect
  switch (effect.kind) {
    case 'stage':
      for (const door of inOrder(effect.doors)) log.stage(source, door, effect.stage)
      break
    case 'open':
      log.open(source, effect.secret.door, effect.secret.user)
      break
    case 'timeout':
      for (const door of inOrder(effect.doors)) log.sequenceTimeout(source, door, effect.stage)
      break
    case 'broken':
      for (const door of inOrder(effect.doors)) {
        log.explain(source, door, 'wrong knock', { stage: effect.stage, knock: knockText(effect) })
      }
      break
    case 'scan': {
      const seconds = Math.round(effect.ignoredMs / 1000)
      log.scanning(source, seconds)
      if (effect.stage > 0) log.explain(source, undefined, 'scan', { stage: effect.stage })
      break
    }
    case 'guesses':
      log.guessing(source, effect.behind, Math.round(effect.ignoredMs / 1000))
      break
    case 'withheld':
      log.withheld(effect)
      break
    case 'passed':
      log.explain(source, undefined, effect.reason, { knock: knockText(effect) })
      break
    default:
      effect satisfies never
  }
}

/** Formats a knock for the log. */
export function knockText({ protocol, port }: { readonly protocol: number; readonly port: number }): string {
  return `${port}:${protocol === UDP ? 'udp' : 'tcp'}`
}

/** Returns a function that calls `what` the first time only. */
export function once(what: () => void): () => void {
  let done = false
  return () => {
    if (!done) what()
    done = true
  }
}
