/**
 * Over plain http browsers have no `crypto.subtle`. age-encryption has all it needs without, but turns to that only when
 * it is told that X25519 is not supported; so it is told.
 */
export function standInForSubtle() {
  if (globalThis.isSecureContext) return
  Object.defineProperty(globalThis.crypto, 'subtle', { value: { importKey: refuse }, configurable: true })
}
async function refuse() {
  throw new DOMException('http', 'NotSupportedError')
}
