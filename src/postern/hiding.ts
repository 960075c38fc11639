import type { Config, Door } from '../config/config.ts'
import { readConfig } from '../config/read.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import type { Addition, Port, Remedy } from '../remedy/remedies.ts'
import { isShutter } from './rehearse/rehearsal.ts'
import { portText, portsOf, uniquePorts } from '../twin/ports.ts'
import type { PortClues } from '../twin/ports.ts'

/** A config whose ports are to be hidden, and what is known of it. */
export interface HidingTerms {
  readonly config: Config
  readonly text: string
  readonly clues: Omit<PortClues, 'chosen'>
  /** The process of this config's daemon; `undefined` if none runs. */
  readonly pid: number | undefined
}

/**
 * Returns the remedy that hides ports which everybody reaches though doors open them by commands. The remedy is the
 * guard: it keeps established connections, and does not depend on the order of rules. Each door that opens one of the
 * ports gets `Open_Ports`, because the guard refuses sources that only the command lets in. If the doors' ports are
 * not known for certain, the remedy is to edit the config by hand.
 */
export function hiding(ports: readonly Port[], { config, text, clues, pid }: HidingTerms): Remedy {
  const once = uniquePorts(ports)
  const additions: (Addition & { readonly at: number })[] = []
  const byHand = REMEDIES.edit(config.file, config.doors[0]?.line ?? 1)
  for (const door of config.doors) {
    const opened = openedBy(door, once, clues)
    if (opened === undefined) return byHand
    const line = `Open_Ports = ${opened.map(portText).join()}`
    if (opened.length > 0) additions.push({ door: door.name, line, at: door.line })
  }
  const lines = text.split('\n')
  for (const { at, line } of additions.toReversed()) lines.splice(at, 0, line)
  const usable = readConfig(lines.join('\n'), config.file).config !== undefined
  return additions.length > 0 && usable ? REMEDIES.hide(config.file, additions, pid) : byHand
}

/** Returns the ports that a door opens by its command; `undefined` if they are unknown. */
function openedBy(door: Door, ports: readonly Port[], clues: Omit<PortClues, 'chosen'>): readonly Port[] | undefined {
  if (door.opens.length > 0 || isShutter(door)) return []
  const found = ([4, 6] as const).map((family) => portsOf(door, family, { ...clues, chosen: [] }))
  // A door without commands of a family opens nothing there.
  if (found.every(({ kind }) => kind === 'unknown')) return undefined
  return ports.filter(({ protocol, port }) =>
    found.some(
      (one) =>
        one.kind === 'known' &&
        // A note says that the command opens every port.
        (one.note !== undefined || one.ports.some((each) => each.protocol === protocol && each.port === port)),
    ),
  )
}
