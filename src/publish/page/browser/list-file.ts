import { Fault } from './fault.ts'

/** The time limit for loading the whole list, in milliseconds. */
const FETCH_LIMIT_MS = 15_000
/** The maximum size of an encrypted list, in bytes: 256 KiB of text and its stanzas in base64 lines, rounded up. */
export const FILE_MAX_BYTES = 524_288

const NOT_FOUND = 404
const GONE = 410

/**
 * Fetches the encrypted list and bypasses the browser's cache.
 *
 * @throws {@link Fault} if there is no list
 */
export async function fetchList(url: string): Promise<Uint8Array> {
  try {
    const signal = AbortSignal.timeout(FETCH_LIMIT_MS)
    const response = await fetch(url, { cache: 'no-store', referrerPolicy: 'no-referrer', signal })
    if (!response.ok) throw refusal(response.status)
    return await bytesOf(response)
  } catch (error) {
    if (error instanceof Fault) throw error
    if (error instanceof DOMException && error.name === 'TimeoutError') {
      throw new Fault('The list did not arrive in time.', 'Check your connection and try again.', { cause: error })
    }
    throw new Fault('The list could not be fetched.', 'Check your connection and try again.', { cause: error })
  }
}

function refusal(status: number): Fault {
  if (status === NOT_FOUND || status === GONE) {
    return new Fault('There is no list here.', 'The door’s owner has not published one, or has removed it.')
  }
  return new Fault(`The web server did not send the list (status ${status}).`, 'Try again later.')
}

/** Reads a response, and stops as soon as it is larger than a list can be, whatever its announced length. */
async function bytesOf(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    length += part.value.length
    if (length > FILE_MAX_BYTES) {
      await reader?.cancel()
      throw new Fault('This file is too large to be a list.', 'It was not made by Postern.')
    }
    parts.push(part.value)
  }
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}
