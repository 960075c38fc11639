import type { Destination } from '../destination.ts'

/** Milliseconds between the last knock and the first try: about what a daemon takes to open, or the first comes too early. */
export const FIRST_TRY_AFTER_MS = 10
/**
 * Milliseconds between two tries. A SYN that comes too early is dropped, and the kernel sends it again only after a second
 * (RFC 6298, 2.1): a fresh connection is sooner there.
 */
export const TRY_EVERY_MS = 100
/** Milliseconds the addresses after the first wait for the one before (RFC 8305, 5: Connection Attempt Delay). */
export const FALLBACK_AFTER_MS = 250
/**
 * Most tries under way at an address besides its first: by then the kernel has sent the oldest again, and a new one is as
 * good. The first stays to the end, for networks whose answers take longer than that.
 */
export const TRIES_MAX = 10

/** What trying needs of the outside. */
export interface Trying<Connection> {
  /** Resolves once the connection is there; rejects with the system's error, or once the signal says that it is not wanted. */
  readonly connect: (destination: Destination, signal: AbortSignal) => Promise<Connection>
  /** Ends a connection that came about after another one. */
  readonly discard: (connection: Connection) => void
  /** Resolves after so many milliseconds, or when the signal says so. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
}

/** The first connection that came about, or why there is none: the last error of the system, if it was not just silence. */
export type Reached<Connection> = { readonly connection: Connection } | { readonly error: unknown }

/**
 * Tries to connect where somebody has knocked, again and again, until one try comes about or the time is up: at the first
 * destination at once, at each further one a little later.
 */
export async function reach<Connection>(
  destinations: readonly Destination[],
  limitMs: number,
  trying: Trying<Connection>,
): Promise<Reached<Connection>> {
  const race = new Race(trying)
  for (const [index, destination] of destinations.entries()) {
    void keepTrying(destination, FIRST_TRY_AFTER_MS + index * FALLBACK_AFTER_MS, race, trying)
  }
  void trying.pause(limitMs, race.over).then(() => race.giveUp())
  return race.result
}

/**
 * Connects where nobody has knocked, once at each destination: to the next when the one before has failed, or has not
 * answered for a while. No try is given up for another one; `signal` ends them all.
 */
export async function reachOnce<Connection>(
  destinations: readonly Destination[],
  signal: AbortSignal,
  trying: Trying<Connection>,
): Promise<Reached<Connection>> {
  const race = new Race(trying)
  const stop = (): void => race.giveUp()
  signal.addEventListener('abort', stop, { once: true })
  void tryEach(destinations, race, trying)
  return race.result.finally(() => signal.removeEventListener('abort', stop))
}

async function tryEach<Connection>(
  destinations: readonly Destination[],
  race: Race<Connection>,
  trying: Trying<Connection>,
): Promise<void> {
  const tries = []
  for (const destination of destinations) {
    if (race.over.aborted) return
    const attempt = race.run(destination, race.over)
    tries.push(attempt)
    await Promise.race([attempt, trying.pause(FALLBACK_AFTER_MS, race.over)])
  }
  await Promise.all(tries)
  race.giveUp()
}

async function keepTrying<Connection>(
  destination: Destination,
  afterMs: number,
  race: Race<Connection>,
  trying: Trying<Connection>,
): Promise<void> {
  await trying.pause(afterMs, race.over)
  if (race.over.aborted) return
  void race.run(destination, race.over)
  const under: AbortController[] = []
  for (;;) {
    await trying.pause(TRY_EVERY_MS, race.over)
    if (race.over.aborted) break
    const wanted = new AbortController()
    under.push(wanted)
    void race.run(destination, wanted.signal)
    if (under.length > TRIES_MAX) under.shift()!.abort()
  }
  for (const each of under) each.abort()
}

/** Tries of which the first to come about counts, and ends the others. */
class Race<Connection> {
  readonly result: Promise<Reached<Connection>>
  readonly #trying: Trying<Connection>
  readonly #end = new AbortController()
  #settle: (reached: Reached<Connection>) => void = () => undefined
  #error: unknown

  constructor(trying: Trying<Connection>) {
    this.#trying = trying
    this.result = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  /** Aborted when it is decided. */
  get over(): AbortSignal {
    return this.#end.signal
  }

  /** Tries once; settles when that is done, whichever way. */
  async run(destination: Destination, signal: AbortSignal): Promise<void> {
    let connection: Connection
    try {
      connection = await this.#trying.connect(destination, signal)
    } catch (error) {
      if (!signal.aborted) this.#error = error
      return
    }
    if (this.over.aborted) this.#trying.discard(connection)
    else this.#decide({ connection })
  }

  giveUp(): void {
    if (!this.over.aborted) this.#decide({ error: this.#error })
  }

  #decide(reached: Reached<Connection>): void {
    this.#settle(reached)
    this.#end.abort()
  }
}
