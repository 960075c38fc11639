import type { Knock, Service } from './config.ts'
import type { DoorText } from './door.ts'
import { quote } from './fault.ts'
import type { FaultList } from './fault.ts'
import type { OptionsRead } from './options.ts'
import { hasPort } from './service.ts'

/** A knock of a door, and where it stands. */
interface KnockAt {
  readonly door: string
  readonly knock: Knock
  /** 1-based, within its sequence. */
  readonly count: number
  readonly line: number
  readonly column: number
}

/** Warns of knocks at ports that are guarded: whoever uses such a port knocks at it. No port is named: it is a secret. */
export class GuardedKnocks {
  readonly #faults: FaultList
  readonly #knocks: KnockAt[] = []
  readonly #opens: { readonly door: string; readonly services: readonly Service[] }[] = []

  constructor(faults: FaultList) {
    this.#faults = faults
  }

  add({ name, values, entries, door }: DoorText): void {
    if (door.opens.length > 0) this.#opens.push({ door: name, services: door.opens })
    // A door with a target is knocked at on another host.
    if (entries.sequence === undefined || entries.target !== undefined) return
    const { line, valueColumn } = entries.sequence
    for (const [index, knock] of (values.sequence?.knocks ?? []).entries()) {
      const column = valueColumn + values.sequence!.offsets[index]!
      this.#knocks.push({ door: name, knock, count: index + 1, line, column })
    }
  }

  end({ options }: OptionsRead): void {
    if (this.#opens.length === 0 && options.guard.length === 0) return
    for (const { door, knock, count, line, column } of this.#knocks) {
      const opening = this.#opens.find(({ services }) => hasPort(services, knock))
      if (opening === undefined && !hasPort(options.guard, knock)) continue
      const why =
        opening === undefined
          ? 'the port is guarded'
          : opening.door === door
            ? 'this door opens the port itself'
            : `door ${quote(opening.door)} opens the port`
      const message = `knock ${count}: ${why}, so whoever connects to it knocks too`
      this.#faults.warning(line, column, message, 'choose a port that nothing uses')
    }
  }
}
