import { ClientError } from '../fault.ts'

/** The largest published list in bytes (1 MiB). */
export const PUBLISHED_MAX_BYTES = 1_048_576
/** The most milliseconds for fetching, including redirects. */
export const FETCH_LIMIT_MS = 10_000
/** The most redirects that are followed. */
export const REDIRECTS_MAX = 3

/** Status codes that redirect to another address (RFC 9110, 15.4). */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Caches are bypassed, because an old list begins with a used sequence (RFC 9111, 5.2.1.4). */
const PAST_CACHES = { 'cache-control': 'no-cache' } as const

/**
 * Fetches a list from an http or https address. It follows redirects, but never from https to http, and bypasses
 * caches.
 *
 * @throws ClientError that names only the server, because the path may be confidential
 */
export async function fetchPublished(from: URL, limitMs = FETCH_LIMIT_MS): Promise<Uint8Array> {
  const limit = AbortSignal.timeout(limitMs)
  const cancelled = new AbortController()
  try {
    return await follow(from, AbortSignal.any([limit, cancelled.signal]))
  } catch (error) {
    if (error instanceof ClientError) throw error
    const why = limit.aborted ? `not done within ${limitMs / 1_000} s` : reasonOf(error)
    throw new ClientError(`cannot fetch the list from ${from.host}: ${why}`, undefined, error)
  } finally {
    // The rest of the response is discarded.
    cancelled.abort()
  }
}

async function follow(from: URL, signal: AbortSignal): Promise<Uint8Array> {
  let at = from
  for (let redirects = 0; ; redirects++) {
    const response = await fetch(at, { redirect: 'manual', headers: PAST_CACHES, signal })
    if (!REDIRECTS.has(response.status)) return await readBody(response, at)
    if (redirects === REDIRECTS_MAX) {
      throw new ClientError(`cannot fetch the list from ${from.host}: more than ${REDIRECTS_MAX} redirects`)
    }
    await response.body?.cancel()
    at = redirected(at, response.headers.get('location'))
  }
}

/** Returns the target of a redirect. @throws ClientError if the redirect is not followed */
export function redirected(from: URL, location: string | null): URL {
  const fault = (what: string): ClientError => new ClientError(`${from.host} redirects ${what}, which is not followed`)
  if (location === null || !URL.canParse(location, from.href)) throw fault('to no address')
  const to = new URL(location, from)
  if (to.protocol !== 'http:' && to.protocol !== 'https:') throw fault(`to ${to.protocol.slice(0, -1)}`)
  if (from.protocol === 'https:' && to.protocol === 'http:') throw fault('from https to http')
  if (to.username !== '' || to.password !== '') throw fault('to an address with a user name')
  return to
}

async function readBody(response: Response, at: URL): Promise<Uint8Array> {
  if (!response.ok) throw new ClientError(`cannot fetch the list: ${at.host} answers ${response.status}`)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    length += chunk.length
    if (length > PUBLISHED_MAX_BYTES) {
      throw new ClientError(`the list at ${at.host} is too large`, `at most ${PUBLISHED_MAX_BYTES} bytes`)
    }
  }
  return Buffer.concat(chunks)
}

/**
 * Returns the reason for a failed fetch. The system's error is in `cause`, and for several addresses in its `errors`.
 */
function reasonOf(error: unknown): string {
  const { cause } = error as Error
  const { code, message, errors } = (cause ?? error) as NodeJS.ErrnoException & {
    readonly errors?: readonly NodeJS.ErrnoException[]
  }
  const name = code ?? errors?.[0]?.code ?? ''
  return REASONS[name] ?? (message === '' ? name : message)
}

/** Texts for the system's connection errors (connect(2), getaddrinfo(3)). */
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such name',
  EAI_AGAIN: 'no name server answers',
  ECONNREFUSED: 'it refuses connections',
  ECONNRESET: 'the connection was reset',
  ENETUNREACH: 'no route to its network',
  EHOSTUNREACH: 'no route to it',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_SOCKET: 'the connection ended early',
}
