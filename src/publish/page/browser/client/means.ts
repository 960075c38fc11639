import type { ClientMeans } from '../../../client-profile.ts'
import type { Knock } from '../../../../config/config.ts'
import { momentAt } from '../../../../totp/moment.ts'
import { knocksOfCode } from '../../../../totp/ports.ts'
import { KNOCK_MS } from '../knocker.ts'
import type { Place } from '../list-place.ts'
import { codeOf } from './code.ts'
import type { Sent } from './sent.ts'

/** Knocks that can be sent now. */
export interface Turn {
  readonly knocks: readonly Knock[]
  /** Remembers that they were sent. It is called before the first one. */
  readonly claim: () => void
}

/** A code, with the time that it is left. */
export interface ShownCode {
  readonly text: string
  readonly leftMs: number
  readonly periodMs: number
  /** True if this browser has sent it. */
  readonly isSent: boolean
}

/** The parts of the page that change. */
export interface Shown {
  /** The knocks of the moment; `undefined`: there are none. */
  readonly knocks: readonly Knock[] | undefined
  /** Milliseconds until other knocks can be sent; 0: these can. */
  readonly waitMs: number
  readonly code?: ShownCode
  readonly next?: { readonly text: string; readonly knocks: readonly Knock[] }
  readonly place?: Place
}

/** The ways to open a door, of which a page has those that its door needs. */
export interface Means {
  /** True if other knocks follow when these did not open the door. */
  readonly hasNext: boolean
  show(now: number): Shown
  /** Returns the turn of a moment; a number: the milliseconds until one; `undefined`: all are used. */
  turn(now: number): Promise<Turn | number | undefined>
}

/** Makes the means of a list, which only some pages can. */
export type ListMaker = (
  means: Extract<ClientMeans, { readonly kind: 'list' }>,
  onProgress: (done: number) => void,
) => Promise<Means>

/** Time-based codes. */
export class Codes implements Means {
  readonly hasNext = true
  readonly #means: Extract<ClientMeans, { readonly kind: 'codes' }>
  readonly #sent: Sent

  constructor(means: Extract<ClientMeans, { readonly kind: 'codes' }>, sent: Sent) {
    this.#means = means
    this.#sent = sent
  }

  show(now: number): Shown {
    const { period, leftMs, isGood } = this.#moment(now)
    const [text, next] = [this.#code(period), this.#code(period + 1)]
    return {
      knocks: this.#knocks(text),
      waitMs: isGood ? 0 : leftMs,
      code: { text, leftMs, periodMs: this.#means.secret.periodS * 1_000, isSent: this.#sent.has(String(period)) },
      next: { text: next, knocks: this.#knocks(next) },
    }
  }

  async turn(now: number): Promise<Turn | number> {
    const { period, leftMs, isGood } = this.#moment(now)
    if (!isGood) return leftMs
    return { knocks: this.#knocks(this.#code(period)), claim: () => this.#sent.add(String(period)) }
  }

  #moment(now: number): ReturnType<typeof momentAt> {
    const { secret, before } = this.#means
    const takesMs = (before.length + 2) * KNOCK_MS
    return momentAt(secret, now, takesMs, (period) => this.#sent.has(String(period)))
  }

  #code(period: number): string {
    return codeOf(this.#means.secret, period)
  }

  #knocks(code: string): readonly Knock[] {
    return [...this.#means.before, ...knocksOfCode(code)]
  }
}

/** A fixed sequence. */
export class FixedSequence implements Means {
  readonly hasNext = false
  readonly #knocks: readonly Knock[]

  constructor(knocks: readonly Knock[]) {
    this.#knocks = knocks
  }

  show(): Shown {
    return { knocks: this.#knocks, waitMs: 0 }
  }

  async turn(): Promise<Turn> {
    return { knocks: this.#knocks, claim: () => undefined }
  }
}
