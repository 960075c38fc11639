'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.standInForSubtle = standInForSubtle
function standInForSubtle() {
  if (globalThis.isSecureContext) return
  Object.defineProperty(globalThis.crypto, 'subtle', { value: { importKey: refuse }, configurable: true })
}
async function refuse() {
  throw new DOMException('http', 'NotSupportedError')
}
