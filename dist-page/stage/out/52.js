'use strict'
/*! noble-hashes - MIT License (c) 2022 Paul Miller (paulmillr.com) */
Object.defineProperty(exports, '__esModule', { value: true })
exports.oidNist = exports.nextTick = exports.swap32IfBE = exports.swap8IfBE = exports.isLE = void 0
exports.isBytes = isBytes
exports.anumber = anumber
exports.abytes = abytes
exports.ahash = ahash
exports.aexists = aexists
exports.aoutput = aoutput
exports.u8 = u8
exports.u32 = u32
exports.clean = clean
exports.createView = createView
exports.rotr = rotr
exports.rotl = rotl
exports.byteSwap = byteSwap
exports.byteSwap32 = byteSwap32
exports.bytesToHex = bytesToHex
exports.hexToBytes = hexToBytes
exports.asyncLoop = asyncLoop
exports.utf8ToBytes = utf8ToBytes
exports.kdfInputToBytes = kdfInputToBytes
exports.concatBytes = concatBytes
exports.checkOpts = checkOpts
exports.createHasher = createHasher
exports.randomBytes = randomBytes
function isBytes(a) {
  return a instanceof Uint8Array || (ArrayBuffer.isView(a) && a.constructor.name === 'Uint8Array')
}
function anumber(n, title = '') {
  if (!Number.isSafeInteger(n) || n < 0) {
    const prefix = title && `"${title}" `
    throw new Error(`${prefix}expected integer >= 0, got ${n}`)
  }
}
function abytes(value, length, title = '') {
  const bytes = isBytes(value)
  const len = value?.length
  const needsLen = length !== undefined
  if (!bytes || (needsLen && len !== length)) {
    const prefix = title && `"${title}" `
    const ofLen = needsLen ? ` of length ${length}` : ''
    const got = bytes ? `length=${len}` : `type=${typeof value}`
    throw new Error(prefix + 'expected Uint8Array' + ofLen + ', got ' + got)
  }
  return value
}
function ahash(h) {
  if (typeof h !== 'function' || typeof h.create !== 'function')
    throw new Error('Hash must wrapped by utils.createHasher')
  anumber(h.outputLen)
  anumber(h.blockLen)
}
function aexists(instance, checkFinished = true) {
  if (instance.destroyed) throw new Error('Hash instance has been destroyed')
  if (checkFinished && instance.finished) throw new Error('Hash#digest() has already been called')
}
function aoutput(out, instance) {
  abytes(out, undefined, 'digestInto() output')
  const min = instance.outputLen
  if (out.length < min) {
    throw new Error('"digestInto() output" expected to be of length >=' + min)
  }
}
function u8(arr) {
  return new Uint8Array(arr.buffer, arr.byteOffset, arr.byteLength)
}
function u32(arr) {
  return new Uint32Array(arr.buffer, arr.byteOffset, Math.floor(arr.byteLength / 4))
}
function clean(...arrays) {
  for (let i = 0; i < arrays.length; i++) {
    arrays[i].fill(0)
  }
}
function createView(arr) {
  return new DataView(arr.buffer, arr.byteOffset, arr.byteLength)
}
function rotr(word, shift) {
  return (word << (32 - shift)) | (word >>> shift)
}
function rotl(word, shift) {
  return (word << shift) | ((word >>> (32 - shift)) >>> 0)
}
exports.isLE = (() => new Uint8Array(new Uint32Array([0x11223344]).buffer)[0] === 0x44)()
function byteSwap(word) {
  return ((word << 24) & 0xff000000) | ((word << 8) & 0xff0000) | ((word >>> 8) & 0xff00) | ((word >>> 24) & 0xff)
}
exports.swap8IfBE = exports.isLE ? (n) => n : (n) => byteSwap(n)
function byteSwap32(arr) {
  for (let i = 0; i < arr.length; i++) {
    arr[i] = byteSwap(arr[i])
  }
  return arr
}
exports.swap32IfBE = exports.isLE ? (u) => u : byteSwap32
const hasHexBuiltin = (() =>
  typeof Uint8Array.from([]).toHex === 'function' && typeof Uint8Array.fromHex === 'function')()
const hexes = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))
function bytesToHex(bytes) {
  abytes(bytes)
  if (hasHexBuiltin) return bytes.toHex()
  let hex = ''
  for (let i = 0; i < bytes.length; i++) {
    hex += hexes[bytes[i]]
  }
  return hex
}
const asciis = { _0: 48, _9: 57, A: 65, F: 70, a: 97, f: 102 }
function asciiToBase16(ch) {
  if (ch >= asciis._0 && ch <= asciis._9) return ch - asciis._0
  if (ch >= asciis.A && ch <= asciis.F) return ch - (asciis.A - 10)
  if (ch >= asciis.a && ch <= asciis.f) return ch - (asciis.a - 10)
  return
}
function hexToBytes(hex) {
  if (typeof hex !== 'string') throw new Error('hex string expected, got ' + typeof hex)
  if (hasHexBuiltin) return Uint8Array.fromHex(hex)
  const hl = hex.length
  const al = hl / 2
  if (hl % 2) throw new Error('hex string expected, got unpadded hex of length ' + hl)
  const array = new Uint8Array(al)
  for (let ai = 0, hi = 0; ai < al; ai++, hi += 2) {
    const n1 = asciiToBase16(hex.charCodeAt(hi))
    const n2 = asciiToBase16(hex.charCodeAt(hi + 1))
    if (n1 === undefined || n2 === undefined) {
      const char = hex[hi] + hex[hi + 1]
      throw new Error('hex string expected, got non-hex character "' + char + '" at index ' + hi)
    }
    array[ai] = n1 * 16 + n2
  }
  return array
}
const nextTick = async () => {}
exports.nextTick = nextTick
async function asyncLoop(iters, tick, cb) {
  let ts = Date.now()
  for (let i = 0; i < iters; i++) {
    cb(i)
    const diff = Date.now() - ts
    if (diff >= 0 && diff < tick) continue
    await (0, exports.nextTick)()
    ts += diff
  }
}
function utf8ToBytes(str) {
  if (typeof str !== 'string') throw new Error('string expected')
  return new Uint8Array(new TextEncoder().encode(str))
}
function kdfInputToBytes(data, errorTitle = '') {
  if (typeof data === 'string') return utf8ToBytes(data)
  return abytes(data, undefined, errorTitle)
}
function concatBytes(...arrays) {
  let sum = 0
  for (let i = 0; i < arrays.length; i++) {
    const a = arrays[i]
    abytes(a)
    sum += a.length
  }
  const res = new Uint8Array(sum)
  for (let i = 0, pad = 0; i < arrays.length; i++) {
    const a = arrays[i]
    res.set(a, pad)
    pad += a.length
  }
  return res
}
function checkOpts(defaults, opts) {
  if (opts !== undefined && {}.toString.call(opts) !== '[object Object]')
    throw new Error('options must be object or undefined')
  const merged = Object.assign(defaults, opts)
  return merged
}
function createHasher(hashCons, info = {}) {
  const hashC = (msg, opts) => hashCons(opts).update(msg).digest()
  const tmp = hashCons(undefined)
  hashC.outputLen = tmp.outputLen
  hashC.blockLen = tmp.blockLen
  hashC.create = (opts) => hashCons(opts)
  Object.assign(hashC, info)
  return Object.freeze(hashC)
}
function randomBytes(bytesLength = 32) {
  const cr = typeof globalThis === 'object' ? globalThis.crypto : null
  if (typeof cr?.getRandomValues !== 'function') throw new Error('crypto.getRandomValues must be defined')
  return cr.getRandomValues(new Uint8Array(bytesLength))
}
const oidNist = (suffix) => ({
  oid: Uint8Array.from([0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, suffix]),
})
exports.oidNist = oidNist
