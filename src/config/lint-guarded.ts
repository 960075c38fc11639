import { TCP, UDP } from '../packet/packet.ts'
import type { Protocol } from '../packet/packet.ts'
import type { Service } from './config.ts'
import type { DoorText } from './door.ts'
import type { FaultList } from '../text/fault.ts'
import type { OptionsRead } from './options.ts'
import type { Entry } from './section.ts'
import { PORT_MAX } from './sequence.ts'
import type { SequenceResult } from './sequence.ts'
import { hasPort } from './service.ts'

/** The sequence of a door and its place in the config. */
interface SequenceAt {
  readonly sequence: SequenceResult
  readonly at: Entry
  /** The ports that the door opens. */
  readonly opens: readonly Service[]
}

/** Warns of knocks at guarded ports: users of such a port knock at it. The messages name no port, as it is a secret. */
export class GuardedKnocks {
  readonly #faults: FaultList
  readonly #sequences: SequenceAt[] = []
  readonly #guarded: Readonly<Record<Protocol, Uint8Array>> = {
    [TCP]: new Uint8Array(PORT_MAX + 1),
    [UDP]: new Uint8Array(PORT_MAX + 1),
  }

  constructor(faults: FaultList) {
    this.#faults = faults
  }

  add({ values, entries, door }: DoorText): void {
    this.#guard(door.opens)
    // The knocks for a door with a target go to another host.
    if (entries.sequence === undefined || values.sequence === undefined || entries.target !== undefined) return
    this.#sequences.push({ sequence: values.sequence, at: entries.sequence, opens: door.opens })
  }

  end({ options }: OptionsRead): void {
    this.#guard(options.guard)
    for (const { sequence, at, opens } of this.#sequences) {
      for (const [index, knock] of sequence.knocks.entries()) {
        if (this.#guarded[knock.protocol][knock.port] === 0) continue
        const why = hasPort(opens, knock) ? 'this door opens the port itself' : 'the port is guarded'
        const message = `knock ${index + 1}: ${why}, so anyone who connects to it knocks too`
        const column = at.valueColumn + sequence.offsets[index]!
        this.#faults.warning(at.line, column, message, 'choose a port that nothing uses')
      }
    }
  }

  #guard(services: readonly Service[]): void {
    for (const { protocol, first, last, host } of services) {
      if (host === undefined) this.#guarded[protocol].fill(1, first, last + 1)
    }
  }
}
