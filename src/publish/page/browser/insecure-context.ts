/**
 * Browsers have no `crypto.subtle` over plain http. age-encryption can do without, but only after an error that X25519
 * is not supported. This function provides that error.
 */
export function standInForSubtle(): void {
  if (globalThis.isSecureContext) return
  Object.defineProperty(globalThis.crypto, 'subtle', { value: { importKey: refuse }, configurable: true })
}

async function refuse(): Promise<never> {
  throw new DOMException('http', 'NotSupportedError')
}
