import { ICMP, TCP, UDP } from '../packet/packet.ts'
import type { Protocol } from '../packet/packet.ts'
import type { Config, Knock, Service } from '../config/config.ts'
import type { PlacedDoor } from './placed-door.ts'
import type { FaultList } from '../text/fault.ts'
import type { Entry } from '../text/directive.ts'
import { writtenKnocks } from '../config/secret.ts'
import { knockColumn } from './placed-door.ts'
import { PORT_MAX } from '../config/sequence.ts'
import { hasPort } from '../config/service.ts'

/** The sequence of a door and its place in the config. */
interface SequenceAt {
  readonly knocks: readonly Knock[]
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

  add({ door: { opens, secret }, entries: { sequence, target } }: PlacedDoor): void {
    this.#guard(opens)
    // The knocks for a door with a target go to another host.
    if (sequence === undefined || target !== undefined) return
    this.#sequences.push({ knocks: writtenKnocks(secret), at: sequence, opens })
  }

  end({ options }: Config): void {
    this.#guard(options.guard)
    for (const { knocks, at, opens } of this.#sequences) {
      for (const [index, knock] of knocks.entries()) {
        if (knock.protocol === ICMP || this.#guarded[knock.protocol][knock.port] === 0) continue
        const why = hasPort(opens, knock) ? 'this door opens the port itself' : 'the port is guarded'
        const message = `knock ${index + 1}: ${why}, so anyone who connects to it knocks too`
        this.#faults.warning(at.line, knockColumn(at, index), message, 'choose a port that nothing uses')
      }
    }
  }

  #guard(services: readonly Service[]): void {
    for (const { protocol, first, last, host } of services) {
      if (host === undefined) this.#guarded[protocol].fill(1, first, last + 1)
    }
  }
}
