import type { OpeningStatus } from '../control/message.ts'
import type { Grant } from '../door/grant.ts'
import type { May } from '../door/held.ts'
import type { Opener } from '../door/opener.ts'
import { formatForward, servicesText } from '../door/part.ts'
import { formatAddress, sameAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import type { FakeClock } from './clock-fake.ts'

/** An opening of a fake opener: of one holder, until a time of the steady clock. */
export interface FakeHold {
  readonly grant: Grant
  readonly endsAt: number
}

/** An opener for tests, which only remembers what is open. */
export class FakeOpener implements Opener {
  /** Every grant that was opened, and when, in milliseconds since 1970. */
  readonly opened: Grant[] = []
  readonly openedAt: number[] = []
  readonly holds = new Map<string, FakeHold>()
  /** False: doors stay shut. */
  opens = true
  readonly #clock: FakeClock

  constructor(clock: FakeClock) {
    this.#clock = clock
  }

  async open(grant: Grant, opened: () => void): Promise<boolean> {
    if (!this.opens) return false
    this.opened.push(grant)
    this.openedAt.push(this.#clock.now())
    const endsAt = Math.max(this.#clock.steady() + grant.ms, this.holds.get(grant.holder)?.endsAt ?? 0)
    this.holds.set(grant.holder, { grant, endsAt })
    opened()
    return await Promise.resolve(true)
  }

  list(): readonly OpeningStatus[] {
    return []
  }

  async close(door: string | undefined, source: Address | undefined): Promise<number> {
    const before = this.holds.size
    for (const [holder, { grant }] of this.holds) {
      const isMeant = (door ?? grant.door.name) === grant.door.name && sameAddress(source ?? grant.source, grant.source)
      if (isMeant) this.holds.delete(holder)
    }
    return await Promise.resolve(before - this.holds.size)
  }

  async release(may: May): Promise<void> {
    for (const [holder, { grant, endsAt }] of this.holds) {
      const { door, user } = grant
      const [services, forward] = [servicesText(grant), formatForward(grant.forward)]
      const held = { door: door.name, source: formatAddress(grant.source), services, forward, holder, user }
      if (endsAt <= this.#clock.steady() || !may(held)) this.holds.delete(holder)
    }
    await Promise.resolve()
  }
}
