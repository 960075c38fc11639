'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.notImplemented =
  exports.bitMask =
  exports.randomBytes =
  exports.isBytes =
  exports.hexToBytes =
  exports.concatBytes =
  exports.bytesToHex =
  exports.anumber =
  exports.abytes =
    void 0
exports.abool = abool
exports.asafenumber = asafenumber
exports.numberToHexUnpadded = numberToHexUnpadded
exports.hexToNumber = hexToNumber
exports.bytesToNumberBE = bytesToNumberBE
exports.bytesToNumberLE = bytesToNumberLE
exports.numberToBytesBE = numberToBytesBE
exports.numberToBytesLE = numberToBytesLE
exports.numberToVarBytesBE = numberToVarBytesBE
exports.equalBytes = equalBytes
exports.copyBytes = copyBytes
exports.asciiToBytes = asciiToBytes
exports.inRange = inRange
exports.aInRange = aInRange
exports.bitLen = bitLen
exports.bitGet = bitGet
exports.bitSet = bitSet
exports.createHmacDrbg = createHmacDrbg
exports.validateObject = validateObject
exports.memoized = memoized
const utils_js_1 = require('@noble/hashes/utils.js')
var utils_js_2 = require('@noble/hashes/utils.js')
Object.defineProperty(exports, 'abytes', {
  enumerable: true,
  get: function () {
    return utils_js_2.abytes
  },
})
Object.defineProperty(exports, 'anumber', {
  enumerable: true,
  get: function () {
    return utils_js_2.anumber
  },
})
Object.defineProperty(exports, 'bytesToHex', {
  enumerable: true,
  get: function () {
    return utils_js_2.bytesToHex
  },
})
Object.defineProperty(exports, 'concatBytes', {
  enumerable: true,
  get: function () {
    return utils_js_2.concatBytes
  },
})
Object.defineProperty(exports, 'hexToBytes', {
  enumerable: true,
  get: function () {
    return utils_js_2.hexToBytes
  },
})
Object.defineProperty(exports, 'isBytes', {
  enumerable: true,
  get: function () {
    return utils_js_2.isBytes
  },
})
Object.defineProperty(exports, 'randomBytes', {
  enumerable: true,
  get: function () {
    return utils_js_2.randomBytes
  },
})
const _0n = BigInt(0)
const _1n = BigInt(1)
function abool(value, title = '') {
  if (typeof value !== 'boolean') {
    const prefix = title && `"${title}" `
    throw new Error(prefix + 'expected boolean, got type=' + typeof value)
  }
  return value
}
function abignumber(n) {
  if (typeof n === 'bigint') {
    if (!isPosBig(n)) throw new Error('positive bigint expected, got ' + n)
  } else (0, utils_js_1.anumber)(n)
  return n
}
function asafenumber(value, title = '') {
  if (!Number.isSafeInteger(value)) {
    const prefix = title && `"${title}" `
    throw new Error(prefix + 'expected safe integer, got type=' + typeof value)
  }
}
function numberToHexUnpadded(num) {
  const hex = abignumber(num).toString(16)
  return hex.length & 1 ? '0' + hex : hex
}
function hexToNumber(hex) {
  if (typeof hex !== 'string') throw new Error('hex string expected, got ' + typeof hex)
  return hex === '' ? _0n : BigInt('0x' + hex)
}
function bytesToNumberBE(bytes) {
  return hexToNumber((0, utils_js_1.bytesToHex)(bytes))
}
function bytesToNumberLE(bytes) {
  return hexToNumber((0, utils_js_1.bytesToHex)(copyBytes((0, utils_js_1.abytes)(bytes)).reverse()))
}
function numberToBytesBE(n, len) {
  ;(0, utils_js_1.anumber)(len)
  n = abignumber(n)
  const res = (0, utils_js_1.hexToBytes)(n.toString(16).padStart(len * 2, '0'))
  if (res.length !== len) throw new Error('number too large')
  return res
}
function numberToBytesLE(n, len) {
  return numberToBytesBE(n, len).reverse()
}
function numberToVarBytesBE(n) {
  return (0, utils_js_1.hexToBytes)(numberToHexUnpadded(abignumber(n)))
}
function equalBytes(a, b) {
  if (a.length !== b.length) return false
  let diff = 0
  for (let i = 0; i < a.length; i++) diff |= a[i] ^ b[i]
  return diff === 0
}
function copyBytes(bytes) {
  return Uint8Array.from(bytes)
}
function asciiToBytes(ascii) {
  return Uint8Array.from(ascii, (c, i) => {
    const charCode = c.charCodeAt(0)
    if (c.length !== 1 || charCode > 127) {
      throw new Error(`string contains non-ASCII character "${ascii[i]}" with code ${charCode} at position ${i}`)
    }
    return charCode
  })
}
const isPosBig = (n) => typeof n === 'bigint' && _0n <= n
function inRange(n, min, max) {
  return isPosBig(n) && isPosBig(min) && isPosBig(max) && min <= n && n < max
}
function aInRange(title, n, min, max) {
  if (!inRange(n, min, max)) throw new Error('expected valid ' + title + ': ' + min + ' <= n < ' + max + ', got ' + n)
}
function bitLen(n) {
  let len
  for (len = 0; n > _0n; n >>= _1n, len += 1);
  return len
}
function bitGet(n, pos) {
  return (n >> BigInt(pos)) & _1n
}
function bitSet(n, pos, value) {
  return n | ((value ? _1n : _0n) << BigInt(pos))
}
const bitMask = (n) => (_1n << BigInt(n)) - _1n
exports.bitMask = bitMask
function createHmacDrbg(hashLen, qByteLen, hmacFn) {
  ;(0, utils_js_1.anumber)(hashLen, 'hashLen')
  ;(0, utils_js_1.anumber)(qByteLen, 'qByteLen')
  if (typeof hmacFn !== 'function') throw new Error('hmacFn must be a function')
  const u8n = (len) => new Uint8Array(len)
  const NULL = Uint8Array.of()
  const byte0 = Uint8Array.of(0x00)
  const byte1 = Uint8Array.of(0x01)
  const _maxDrbgIters = 1000
  let v = u8n(hashLen)
  let k = u8n(hashLen)
  let i = 0
  const reset = () => {
    v.fill(1)
    k.fill(0)
    i = 0
  }
  const h = (...msgs) => hmacFn(k, (0, utils_js_1.concatBytes)(v, ...msgs))
  const reseed = (seed = NULL) => {
    k = h(byte0, seed)
    v = h()
    if (seed.length === 0) return
    k = h(byte1, seed)
    v = h()
  }
  const gen = () => {
    if (i++ >= _maxDrbgIters) throw new Error('drbg: tried max amount of iterations')
    let len = 0
    const out = []
    while (len < qByteLen) {
      v = h()
      const sl = v.slice()
      out.push(sl)
      len += v.length
    }
    return (0, utils_js_1.concatBytes)(...out)
  }
  const genUntil = (seed, pred) => {
    reset()
    reseed(seed)
    let res = undefined
    while (!(res = pred(gen()))) reseed()
    reset()
    return res
  }
  return genUntil
}
function validateObject(object, fields = {}, optFields = {}) {
  if (!object || typeof object !== 'object') throw new Error('expected valid options object')
  function checkField(fieldName, expectedType, isOpt) {
    const val = object[fieldName]
    if (isOpt && val === undefined) return
    const current = typeof val
    if (current !== expectedType || val === null)
      throw new Error(`param "${fieldName}" is invalid: expected ${expectedType}, got ${current}`)
  }
  const iter = (f, isOpt) => Object.entries(f).forEach(([k, v]) => checkField(k, v, isOpt))
  iter(fields, false)
  iter(optFields, true)
}
const notImplemented = () => {
  throw new Error('not implemented')
}
exports.notImplemented = notImplemented
function memoized(fn) {
  const map = new WeakMap()
  return (arg, ...args) => {
    const val = map.get(arg)
    if (val !== undefined) return val
    const computed = fn(arg, ...args)
    map.set(arg, computed)
    return computed
  }
}
