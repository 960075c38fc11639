import { Fault } from './fault.js'
/** Milliseconds the list may take to come, all of it. */
const FETCH_LIMIT_MS = 15_000
/** Bytes of an encrypted list at most: 256 KiB of text, its stanzas, in base64 with line ends, rounded up. */
export const FILE_MAX_BYTES = 524_288
const NOT_FOUND = 404
const GONE = 410
/** Fetches the encrypted list anew, whatever the browser has of it. Throws {@link Fault}. */
export async function fetchList(url) {
  try {
    const signal = AbortSignal.timeout(FETCH_LIMIT_MS)
    const response = await fetch(url, { cache: 'no-store', referrerPolicy: 'no-referrer', signal })
    if (!response.ok) throw refusal(response.status)
    return await bytesOf(response)
  } catch (error) {
    if (error instanceof Fault) throw error
    if (error instanceof DOMException && error.name === 'TimeoutError') {
      throw new Fault('The list did not come in time.', 'Look to your connection and try again.', { cause: error })
    }
    throw new Fault('The list could not be fetched.', 'Look to your connection and try again.', { cause: error })
  }
}
function refusal(status) {
  if (status === NOT_FOUND || status === GONE) {
    return new Fault('There is no list here.', 'The door’s owner has not published one, or has taken it back.')
  }
  return new Fault(`The web server did not give out the list (status ${status}).`, 'Try again later.')
}
/** What a response holds, given up as soon as it is more than a list can be, whatever length was announced. */
async function bytesOf(response) {
  const parts = []
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
