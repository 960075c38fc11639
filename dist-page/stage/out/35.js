'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.forceWebCryptoOff = forceWebCryptoOff
exports.webCryptoFallback = webCryptoFallback
exports.scalarMult = scalarMult
exports.scalarMultBase = scalarMultBase
const ed25519_js_1 = require('@noble/curves/ed25519.js')
const exportable = false
let webCryptoOff = false
function forceWebCryptoOff(off) {
  webCryptoOff = off
}
async function webCryptoFallback(func, fallback) {
  if (webCryptoOff) {
    return await fallback()
  }
  try {
    return await func()
  } catch (error) {
    if (error instanceof ReferenceError || (error instanceof DOMException && error.name === 'NotSupportedError')) {
      return await fallback()
    } else {
      throw error
    }
  }
}
async function scalarMult(scalar, u) {
  return await webCryptoFallback(
    async () => {
      const key = isCryptoKey(scalar) ? scalar : await importX25519Key(scalar)
      const peer = await crypto.subtle.importKey('raw', domBuffer(u), { name: 'X25519' }, exportable, [])
      return new Uint8Array(await crypto.subtle.deriveBits({ name: 'X25519', public: peer }, key, 256))
    },
    () => {
      if (isCryptoKey(scalar)) {
        throw new Error('CryptoKey provided but X25519 WebCrypto is not supported')
      }
      return ed25519_js_1.x25519.scalarMult(scalar, u)
    },
  )
}
async function scalarMultBase(scalar) {
  return await webCryptoFallback(
    async () => {
      return scalarMult(scalar, ed25519_js_1.x25519.GuBytes)
    },
    () => {
      if (isCryptoKey(scalar)) {
        throw new Error('CryptoKey provided but X25519 WebCrypto is not supported')
      }
      return ed25519_js_1.x25519.scalarMultBase(scalar)
    },
  )
}
const pkcs8Prefix = new Uint8Array([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20,
])
async function importX25519Key(key) {
  if (key.length !== 32) {
    throw new Error('X25519 private key must be 32 bytes')
  }
  const pkcs8 = new Uint8Array([...pkcs8Prefix, ...key])
  return crypto.subtle.importKey('pkcs8', pkcs8, { name: 'X25519' }, exportable, ['deriveBits'])
}
function isCryptoKey(key) {
  return typeof CryptoKey !== 'undefined' && key instanceof CryptoKey
}
function domBuffer(arr) {
  return arr
}
