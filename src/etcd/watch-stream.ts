import type { Connection } from './connection.ts'
import { linesOf } from './lines.ts'
import { sizeOf, TOLD_MAX_BYTES } from './range.ts'
import { answerFault, connectionFault, EtcdUnavailable } from './unavailable.ts'
import {
  encoded,
  type Fields,
  fieldsOf,
  type KeyValue,
  keyValueOf,
  listOf,
  numberOf,
  prefixEnd,
  textOf,
} from './values.ts'

/** A change to a key. Of a deleted one, the value is empty and `modRevision` says when. */
export interface WatchEvent {
  readonly type: 'put' | 'delete'
  readonly kv: KeyValue
}

/** The maximum number of events of one message that comes in parts. */
const EVENTS_MAX = 100_000
/** The maximum size of the changes of one key in UTF-16 units. Claims may ask for those of many keys at once. */
export const CHANGES_MAX_BYTES = 2 * 1_048_576

/** The receiver of a stream's messages. */
export interface StreamListener {
  /** The member watches from now on. */
  created(): void
  /** All events of one message, whole revisions in order. */
  changed(events: readonly WatchEvent[]): void
}

/** The keys of a watch (`WatchCreateRequest` of etcd's rpc.proto), as base64. */
export interface WatchRange {
  readonly key: string
  /** The first key behind them; absent: one key. */
  readonly range_end?: string
}

export function rangeBelow(prefix: string): WatchRange {
  return { key: encoded(prefix), range_end: encoded(prefixEnd(prefix)) }
}

/**
 * Returns the changes of one key at one member, from a revision on, up to the first that is enough. Throws EtcdUnavailable:
 * of the kind `compacted` when the member no longer has that revision.
 */
export async function changesAt(
  connection: Connection,
  key: string,
  from: bigint,
  token: string | undefined,
  isEnough: (event: WatchEvent) => boolean,
  signal: AbortSignal,
): Promise<readonly WatchEvent[]> {
  const over = new AbortController()
  const end = (): void => over.abort()
  signal.addEventListener('abort', end, { once: true })
  const heard: WatchEvent[] = []
  let bytes = 0
  let isDone = false
  const changed = (events: readonly WatchEvent[]): void => {
    for (const event of events) {
      if (isDone) return
      heard.push(event)
      bytes += sizeOf(event.kv)
      isDone = isEnough(event)
    }
    if (heard.length > EVENTS_MAX || bytes > CHANGES_MAX_BYTES) throw tooMany(CHANGES_MAX_BYTES)
    if (isDone) end()
  }
  try {
    return await follow(
      connection,
      { key: encoded(key) },
      from,
      token,
      { created: () => undefined, changed },
      over.signal,
    )
  } catch (error) {
    if (isDone) return heard
    throw connectionFault(error as Error)
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}

/**
 * Watches keys at one member, from a revision on, until it breaks.
 * Always rejects, with EtcdUnavailable: of the kind `compacted` when the member no longer has that revision.
 */
export async function watchAt(
  connection: Connection,
  range: WatchRange,
  from: bigint,
  token: string | undefined,
  listener: StreamListener,
  signal: AbortSignal,
): Promise<never> {
  const over = new AbortController()
  const end = (): void => over.abort()
  signal.addEventListener('abort', end, { once: true })
  let probeFault: unknown
  const unwatch = connection.look.watch((fault) => {
    probeFault = fault
    end()
  })
  try {
    return await follow(connection, range, from, token, listener, over.signal)
  } catch (error) {
    throw connectionFault((probeFault ?? error) as Error)
  } finally {
    unwatch()
    signal.removeEventListener('abort', end)
    end()
  }
}

async function follow(
  connection: Connection,
  range: WatchRange,
  from: bigint,
  token: string | undefined,
  listener: StreamListener,
  signal: AbortSignal,
): Promise<never> {
  const create_request = { ...range, start_revision: String(from), fragment: true }
  const stream = await connection.stream({ path: '/v3/watch', body: { create_request }, token }, signal)
  let events: WatchEvent[] = []
  let bytes = 0
  for await (const line of linesOf(stream as AsyncIterable<Uint8Array>)) {
    connection.look.heard()
    const result = resultOf(line)
    if (result['canceled'] === true) throw canceled(result)
    if (result['created'] === true) listener.created()
    for (const raw of listOf(result['events'])) {
      const event = eventOf(raw)
      bytes += sizeOf(event.kv)
      events.push(event)
    }
    if (events.length > EVENTS_MAX || bytes > TOLD_MAX_BYTES) throw tooMany(TOLD_MAX_BYTES)
    // Parts of one message may divide a revision, which the listener gets whole.
    if (result['fragment'] === true) continue
    if (events.length > 0) listener.changed(events)
    events = []
    bytes = 0
  }
  throw new EtcdUnavailable('no-answer', 'the watch ended')
}

function tooMany(bytes: number): EtcdUnavailable {
  return new EtcdUnavailable('size', `more than ${EVENTS_MAX} events at once, or ${bytes} bytes`)
}

/** Reads a line of the gateway: `{"result": {...}}` or `{"error": {...}}`. Throws EtcdUnavailable. */
function resultOf(line: string): Fields {
  let raw: unknown
  try {
    raw = JSON.parse(line) as unknown
  } catch {
    throw new EtcdUnavailable('answer', 'a watch that is not JSON')
  }
  const { result, error } = fieldsOf(raw)
  if (error !== undefined) {
    const { message, http_code } = fieldsOf(error)
    throw answerFault(Number(numberOf(http_code)), textOf(message), '')
  }
  return fieldsOf(result)
}

function canceled(result: Fields): EtcdUnavailable {
  if (numberOf(result['compact_revision']) !== '0') {
    return new EtcdUnavailable('compacted', 'the revision has been compacted')
  }
  const reason = textOf(result['cancel_reason'])
  return answerFault(200, reason === '' ? 'the watch was canceled' : reason, '')
}

function eventOf(raw: unknown): WatchEvent {
  const { type, kv } = fieldsOf(raw)
  return { type: type === 'DELETE' ? 'delete' : 'put', kv: keyValueOf(kv) }
}
