import type { Destination } from '../destination.ts'

/** The milliseconds between the last knock and the first attempt. A daemon needs about that time to open the port. */
export const FIRST_TRY_AFTER_MS = 10
/**
 * The milliseconds between two attempts. A SYN that comes too early is dropped. The kernel repeats it only after a
 * second (RFC 6298, 2.1), so a new connection succeeds sooner.
 */
export const TRY_EVERY_MS = 100
/** The milliseconds that each further address waits for the previous one (RFC 8305, 5: Connection Attempt Delay). */
export const FALLBACK_AFTER_MS = 250
/**
 * The most simultaneous attempts at an address besides its first. By then the kernel has repeated the oldest SYN, and a
 * new attempt is equivalent. The first attempt stays until the end, for networks with slower answers.
 */
export const TRIES_MAX = 10

/** The dependencies of connection attempts. */
export interface Trying<Connection> {
  /** Resolves when the connection exists. Rejects with the system's error, or when the signal aborts it. */
  readonly connect: (destination: Destination, signal: AbortSignal) => Promise<Connection>
  /** Closes a connection that succeeded after another one. */
  readonly discard: (connection: Connection) => void
  /** Resolves after the given milliseconds, or when the signal aborts it. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
}

/** The first successful connection, or the last error of the system; the error is `undefined` if nothing answered. */
export type Reached<Connection> = { readonly connection: Connection } | { readonly error: unknown }

/**
 * Tries to connect after knocking, repeatedly until one attempt succeeds or the time is up. It begins with the first
 * destination, and with each further one a little later.
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
 * Connects without knocking, once to each destination. It tries the next one when the previous has failed or has not
 * answered for a while. Earlier attempts continue; `signal` ends them all.
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

/** A race of attempts. The first success counts and ends the others. */
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

  /** The signal that is aborted when the race is decided. */
  get over(): AbortSignal {
    return this.#end.signal
  }

  /** Makes one attempt. Resolves when it has succeeded or failed. */
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
