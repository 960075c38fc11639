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
exports.aarray = aarray
exports.astring = astring
exports.aobject = aobject
exports.afunction = afunction
exports.abool = abool
exports.abignumber = abignumber
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
exports.isPosBig = isPosBig
exports.inRange = inRange
exports.aInRange = aInRange
exports.bitLen = bitLen
exports.bitGet = bitGet
exports.bitSet = bitSet
exports.createHmacDrbg = createHmacDrbg
exports.validateObject = validateObject
const utils_js_1 = require('@noble/hashes/utils.js')
function aarray(item, title, inner = () => {}) {
  if (!Array.isArray(item)) throw new TypeError(`"${title}" expected array, got type=${typeof item}`)
  for (let i = 0; i < item.length; i++) inner(item[i], `${title}[${i}]`)
  return item
}
const abytes = (value, length, title) => (0, utils_js_1.abytes)(value, length, title)
exports.abytes = abytes
exports.anumber = utils_js_1.anumber
function astring(value, title = '') {
  if (typeof value !== 'string') {
    const prefix = title && `"${title}" `
    throw new TypeError(prefix + 'expected string, got type=' + typeof value)
  }
  return value
}
function aobject(value, title = 'object') {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new TypeError(
      title === 'object' ? 'expected valid options object' : `"${title}" expected object, got type=${typeof value}`,
    )
  return value
}
function afunction(value, title) {
  if (typeof value !== 'function') throw new TypeError(`"${title}" is invalid: expected function, got ${typeof value}`)
  return value
}
exports.bytesToHex = utils_js_1.bytesToHex
const concatBytes = (...arrays) => (0, utils_js_1.concatBytes)(...arrays)
exports.concatBytes = concatBytes
const hexToBytes = (hex) => (0, utils_js_1.hexToBytes)(hex)
exports.hexToBytes = hexToBytes
exports.isBytes = utils_js_1.isBytes
const randomBytes = (bytesLength) => (0, utils_js_1.randomBytes)(bytesLength)
exports.randomBytes = randomBytes
const _0n = BigInt(0)
const _1n = BigInt(1)
const atitle = (title) => (title ? `"${title}" ` : '')
function abool(value, title = '') {
  if (typeof value !== 'boolean') throw new TypeError(atitle(title) + 'expected boolean, got type=' + typeof value)
  return value
}
function abignumber(n) {
  if (typeof n === 'bigint') {
    if (!isPosBig(n)) throw new RangeError('positive bigint expected, got ' + n)
  } else (0, exports.anumber)(n)
  return n
}
function asafenumber(value, title = '') {
  if (typeof value !== 'number') {
    const prefix = title && `"${title}" `
    throw new TypeError(prefix + 'expected number, got type=' + typeof value)
  }
  if (!Number.isSafeInteger(value)) {
    const prefix = title && `"${title}" `
    throw new RangeError(prefix + 'expected safe integer, got ' + value)
  }
}
function numberToHexUnpadded(num) {
  const hex = abignumber(num).toString(16)
  return hex.length & 1 ? '0' + hex : hex
}
function hexToNumber(hex) {
  if (typeof hex !== 'string') throw new TypeError('hex string expected, got ' + typeof hex)
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
  if (len === 0) throw new Error('zero output length is invalid')
  n = abignumber(n)
  const expectedLen = len * 2
  const hex = n.toString(16)
  if (hex.length > expectedLen) throw new RangeError('number is too large')
  return (0, utils_js_1.hexToBytes)(hex.padStart(expectedLen, '0'))
}
function numberToBytesLE(n, len) {
  return numberToBytesBE(n, len).reverse()
}
function numberToVarBytesBE(n) {
  return (0, utils_js_1.hexToBytes)(numberToHexUnpadded(abignumber(n)))
}
function equalBytes(a, b) {
  a = (0, exports.abytes)(a)
  b = (0, exports.abytes)(b)
  if (a.length !== b.length) return false
  let diff = 0
  for (let i = 0; i < a.length; i++) diff |= a[i] ^ b[i]
  return diff === 0
}
function copyBytes(bytes) {
  return Uint8Array.from((0, exports.abytes)(bytes))
}
function asciiToBytes(ascii) {
  if (typeof ascii !== 'string') throw new TypeError('ascii string expected, got ' + typeof ascii)
  return Uint8Array.from(ascii, (c, i) => {
    const charCode = c.charCodeAt(0)
    if (c.length !== 1 || charCode > 127) {
      throw new RangeError(`string contains non-ASCII character "${ascii[i]}" with code ${charCode} at position ${i}`)
    }
    return charCode
  })
}
function isPosBig(n) {
  return typeof n === 'bigint' && _0n <= n
}
function inRange(n, min, max) {
  return isPosBig(n) && isPosBig(min) && isPosBig(max) && min <= n && n < max
}
function aInRange(title, n, min, max) {
  if (!inRange(n, min, max))
    throw new RangeError('expected valid ' + title + ': ' + min + ' <= n < ' + max + ', got ' + n)
}
function bitLen(n) {
  if (n < _0n) throw new Error('expected non-negative bigint, got ' + n)
  return n === _0n ? 0 : n.toString(2).length
}
function bitGet(n, pos) {
  if (typeof n !== 'bigint') throw new TypeError('"n" expected bigint, got type=' + typeof n)
  asafenumber(pos, 'pos')
  return (n >> BigInt(pos)) & _1n
}
function bitSet(n, pos, value) {
  if (typeof n !== 'bigint') throw new TypeError('"n" expected bigint, got type=' + typeof n)
  asafenumber(pos, 'pos')
  abool(value, 'value')
  const mask = _1n << BigInt(pos)
  return value ? n | mask : n & ~mask
}
const bitMask = (n) => {
  asafenumber(n, 'n')
  return (_1n << BigInt(n)) - _1n
}
exports.bitMask = bitMask
function createHmacDrbg(hashLen, qByteLen, hmacFn) {
  ;(0, utils_js_1.anumber)(hashLen, 'hashLen')
  ;(0, utils_js_1.anumber)(qByteLen, 'qByteLen')
  if (typeof hmacFn !== 'function') throw new TypeError('hmacFn must be a function')
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
  const h = (...msgs) => hmacFn(k, (0, exports.concatBytes)(v, ...msgs))
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
    return (0, exports.concatBytes)(...out)
  }
  const genUntil = (seed, pred) => {
    reset()
    reseed(seed)
    let res = undefined
    while ((res = pred(gen())) === undefined) reseed()
    reset()
    return res
  }
  return genUntil
}
function validateObject(object, fields = {}, optFields = {}, title = 'object') {
  aobject(object, title)
  aobject(fields, 'fields')
  aobject(optFields, 'optFields')
  function checkField(fieldName, expectedType, isOpt) {
    const label = title === 'object' ? `param "${String(fieldName)}"` : `"${title}.${String(fieldName)}"`
    const val = object[fieldName]
    if (!Object.hasOwn(object, fieldName) && (isOpt ? val !== undefined : expectedType !== 'function')) {
      throw new TypeError(`${label} is invalid: expected own property`)
    }
    if (isOpt && val === undefined) return
    const current = typeof val
    if (current !== expectedType || val === null)
      throw new TypeError(`${label} is invalid: expected ${expectedType}, got ${current}`)
  }
  const iter = (f, isOpt) => Object.entries(f).forEach(([k, v]) => checkField(k, v, isOpt))
  iter(fields, false)
  iter(optFields, true)
}
const notImplemented = () => {
  throw new Error('not implemented')
}
exports.notImplemented = notImplemented
