'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.FILE_MAX_BYTES = void 0
exports.fetchList = fetchList
const fault_js_1 = require('./fault.js')
const FETCH_LIMIT_MS = 15_000
exports.FILE_MAX_BYTES = 524_288
const NOT_FOUND = 404
const GONE = 410
async function fetchList(url) {
  try {
    const signal = AbortSignal.timeout(FETCH_LIMIT_MS)
    const response = await fetch(url, { cache: 'no-store', referrerPolicy: 'no-referrer', signal })
    if (!response.ok) throw refusal(response.status)
    return await bytesOf(response)
  } catch (error) {
    if (error instanceof fault_js_1.Fault) throw error
    if (error instanceof DOMException && error.name === 'TimeoutError') {
      throw new fault_js_1.Fault('The list did not come in time.', 'Look to your connection and try again.', {
        cause: error,
      })
    }
    throw new fault_js_1.Fault('The list could not be fetched.', 'Look to your connection and try again.', {
      cause: error,
    })
  }
}
function refusal(status) {
  if (status === NOT_FOUND || status === GONE) {
    return new fault_js_1.Fault(
      'There is no list here.',
      'The door’s owner has not published one, or has taken it back.',
    )
  }
  return new fault_js_1.Fault(`The web server did not give out the list (status ${status}).`, 'Try again later.')
}
async function bytesOf(response) {
  const parts = []
  let length = 0
  const reader = response.body?.getReader()
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    length += part.value.length
    if (length > exports.FILE_MAX_BYTES) {
      await reader?.cancel()
      throw new fault_js_1.Fault('This file is too large to be a list.', 'It was not made by Postern.')
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
