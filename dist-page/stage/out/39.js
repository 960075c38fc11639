'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.wrapCipher = exports.swap32IfBE = exports.swap8IfBE = exports.isLE = void 0
exports.aarray = aarray
exports.isBytes = isBytes
exports.abool = abool
exports.anumber = anumber
exports.abytes = abytes
exports.aexists = aexists
exports.aoutput = aoutput
exports.aoutput32 = aoutput32
exports.u8 = u8
exports.u32 = u32
exports.clean = clean
exports.createView = createView
exports.byteSwap = byteSwap
exports.byteSwap32 = byteSwap32
exports.bytesToHex = bytesToHex
exports.hexToBytes = hexToBytes
exports.hexToNumber = hexToNumber
exports.bytesToNumberBE = bytesToNumberBE
exports.numberToBytesBE = numberToBytesBE
exports.utf8ToBytes = utf8ToBytes
exports.bytesToUtf8 = bytesToUtf8
exports.overlapBytes = overlapBytes
exports.complexOverlapBytes = complexOverlapBytes
exports.concatBytes = concatBytes
exports.checkOpts = checkOpts
exports.equalBytes = equalBytes
exports.wrapMacConstructor = wrapMacConstructor
exports.getOutput = getOutput
exports.u64Lengths = u64Lengths
exports.isAligned32 = isAligned32
exports.copyBytes = copyBytes
exports.randomBytes = randomBytes
exports.managedNonce = managedNonce
function aarray(item, title, inner = () => {}) {
  if (!Array.isArray(item)) throw new TypeError(`"${title}" expected array, got type=${typeof item}`)
  for (let i = 0; i < item.length; i++) inner(item[i], `${title}[${i}]`)
  return item
}
function isBytes(a) {
  return (
    a instanceof Uint8Array ||
    (ArrayBuffer.isView(a) &&
      a.constructor.name === 'Uint8Array' &&
      'BYTES_PER_ELEMENT' in a &&
      a.BYTES_PER_ELEMENT === 1)
  )
}
const atitle = (title) => (title ? `"${title}" ` : '')
function abool(value, title = '') {
  if (typeof value !== 'boolean') throw new TypeError(atitle(title) + 'expected boolean, got type=' + typeof value)
  return value
}
function anumber(n, title = '') {
  if (typeof n !== 'number') throw new TypeError(atitle(title) + 'expected number, got ' + typeof n)
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(atitle(title) + 'expected integer >= 0, got ' + n)
  return n
}
function abytes(value, length, title = '') {
  if (isBytes(value) && (length === undefined || value.length === length)) return value
  if (length !== undefined) anumber(length, 'length')
  const bytes = isBytes(value)
  const ofLen = length !== undefined ? ` of length ${length}` : ''
  const got = bytes ? `length=${value.length}` : `type=${typeof value}`
  const message = atitle(title) + 'expected Uint8Array' + ofLen + ', got ' + got
  if (!bytes) throw new TypeError(message)
  throw new RangeError(message)
}
const aobject = (value, label) => {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new TypeError(
      label === 'object' ? 'expected valid options object' : `"${label}" expected object, got type=${typeof value}`,
    )
}
function aexists(instance, checkFinished = true) {
  if (instance.destroyed) throw new Error('hash was destroyed')
  if (checkFinished && instance.finished) throw new Error('digest() was already called')
}
function aoutput(out, instance) {
  abytes(out, undefined, 'output')
  const min = instance.outputLen
  if (!(out.length >= min)) {
    throw new RangeError('"output" expected length >= ' + min)
  }
}
function aoutput32(out, instance) {
  aoutput(out, instance)
  if (!isAligned32(out)) throw new Error('invalid output, must be aligned')
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
exports.isLE = (() => new Uint8Array(new Uint32Array([0x11223344]).buffer)[0] === 0x44)()
function byteSwap(word) {
  return ((word << 24) & 0xff000000) | ((word << 8) & 0xff0000) | ((word >>> 8) & 0xff00) | ((word >>> 24) & 0xff)
}
exports.swap8IfBE = exports.isLE ? (n) => n : (n) => byteSwap(n) >>> 0
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
function asciiToBase16(ch) {
  return ch >= 48 && ch <= 57
    ? ch - 48
    : ch >= 65 && ch <= 70
      ? ch - (65 - 10)
      : ch >= 97 && ch <= 102
        ? ch - (97 - 10)
        : undefined
}
function hexToBytes(hex) {
  if (typeof hex !== 'string') throw new TypeError('hex string expected, got ' + typeof hex)
  if (hasHexBuiltin) {
    try {
      return Uint8Array.fromHex(hex)
    } catch (error) {
      if (error instanceof SyntaxError) throw new RangeError(error.message)
      throw error
    }
  }
  const hl = hex.length
  const al = hl / 2
  if (hl % 2) throw new RangeError('hex string expected, got unpadded hex of length ' + hl)
  const array = new Uint8Array(al)
  for (let ai = 0, hi = 0; ai < al; ai++, hi += 2) {
    const n1 = asciiToBase16(hex.charCodeAt(hi))
    const n2 = asciiToBase16(hex.charCodeAt(hi + 1))
    if (n1 === undefined || n2 === undefined) {
      const char = hex[hi] + hex[hi + 1]
      throw new RangeError('hex string expected, got non-hex character "' + char + '" at index ' + hi)
    }
    array[ai] = n1 * 16 + n2
  }
  return array
}
const _0n = BigInt(0)
function hexToNumber(hex) {
  if (typeof hex !== 'string') throw new TypeError('hex string expected, got ' + typeof hex)
  return hex === '' ? _0n : BigInt('0x' + hex)
}
function bytesToNumberBE(bytes) {
  return hexToNumber(bytesToHex(bytes))
}
function abignumber(n) {
  if (typeof n === 'bigint') {
    if (!(_0n <= n)) throw new RangeError('positive bigint expected, got ' + n)
  } else anumber(n)
  return n
}
function numberToBytesBE(n, len) {
  anumber(len)
  if (len === 0) throw new Error('zero output length is invalid')
  n = abignumber(n)
  const expectedLen = len * 2
  const hex = n.toString(16)
  if (hex.length > expectedLen) throw new RangeError('number is too large')
  return hexToBytes(hex.padStart(expectedLen, '0'))
}
function utf8ToBytes(str) {
  if (typeof str !== 'string') throw new TypeError('string expected')
  return new Uint8Array(new TextEncoder().encode(str))
}
function bytesToUtf8(bytes) {
  return new TextDecoder().decode(bytes)
}
function overlapBytes(a, b) {
  if (!a.byteLength || !b.byteLength) return false
  return (
    a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength
  )
}
function complexOverlapBytes(input, output) {
  if (overlapBytes(input, output) && input.byteOffset < output.byteOffset)
    throw new Error('complex overlap of input and output is not supported')
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
  aobject(defaults, 'defaults')
  aobject(opts, 'opts')
  const merged = Object.assign(defaults, opts)
  return merged
}
function equalBytes(a, b) {
  a = abytes(a)
  b = abytes(b)
  if (a.length !== b.length) return false
  let diff = 0
  for (let i = 0; i < a.length; i++) diff |= a[i] ^ b[i]
  return diff === 0
}
function wrapMacConstructor(keyLen, macCons, fromMsg) {
  const mac = macCons
  const getArgs = fromMsg || (() => [])
  const macC = (msg, key) =>
    mac(key, ...getArgs(msg))
      .update(msg)
      .digest()
  const tmp = mac(new Uint8Array(keyLen), ...getArgs(new Uint8Array(0)))
  macC.outputLen = tmp.outputLen
  macC.blockLen = tmp.blockLen
  macC.create = (key, ...args) => mac(key, ...args)
  return macC
}
const wrapCipher = (params, constructor) => {
  function wrappedCipher(key, ...args) {
    abytes(key, undefined, 'key')
    if (params.nonceLength !== undefined) {
      const nonce = args[0]
      abytes(nonce, params.varSizeNonce ? undefined : params.nonceLength, 'nonce')
    }
    const tagl = params.tagLength
    const aadStart = params.nonceLength !== undefined ? 1 : 0
    if (!params.withAAD) {
      for (let i = aadStart; i < args.length; i++) if (isBytes(args[i])) throw new Error('AAD not supported')
    }
    if (params.withAAD && args[aadStart] !== undefined) abytes(args[aadStart], undefined, 'AAD')
    const cipher = constructor(key, ...args)
    const checkOutput = (fnLength, output) => {
      if (output !== undefined) {
        if (fnLength !== 2) throw new Error('cipher output not supported')
        abytes(output, undefined, 'output')
      }
    }
    let called = false
    const wrCipher = {
      encrypt(data, output) {
        if (called) throw new Error('cannot encrypt() twice with same key + nonce')
        called = true
        abytes(data, undefined, 'data')
        checkOutput(cipher.encrypt.length, output)
        return cipher.encrypt(data, output)
      },
      decrypt(data, output) {
        abytes(data, undefined, 'data')
        if (tagl && data.length < tagl) throw new Error('"ciphertext" expected length >= tagLength=' + tagl)
        checkOutput(cipher.decrypt.length, output)
        return cipher.decrypt(data, output)
      },
    }
    return wrCipher
  }
  Object.assign(wrappedCipher, params)
  return wrappedCipher
}
exports.wrapCipher = wrapCipher
function getOutput(expectedLength, out, onlyAligned = true) {
  if (out === undefined) return new Uint8Array(expectedLength)
  abytes(out, expectedLength, 'output')
  if (onlyAligned && !isAligned32(out)) throw new Error('invalid output, must be aligned')
  return out
}
function u64Lengths(dataLength, aadLength, isLE) {
  anumber(dataLength)
  anumber(aadLength)
  abool(isLE)
  const num = new Uint8Array(16)
  const view = createView(num)
  view.setBigUint64(0, BigInt(aadLength), isLE)
  view.setBigUint64(8, BigInt(dataLength), isLE)
  return num
}
function isAligned32(bytes) {
  return bytes.byteOffset % 4 === 0
}
function copyBytes(bytes) {
  return Uint8Array.from(abytes(bytes))
}
function randomBytes(bytesLength = 32) {
  anumber(bytesLength, 'bytesLength')
  const cr = typeof globalThis === 'object' ? globalThis.crypto : null
  if (typeof cr?.getRandomValues !== 'function') throw new Error('crypto.getRandomValues must be defined')
  if (bytesLength > 65536) throw new RangeError(`"bytesLength" expected <= 65536, got ${bytesLength}`)
  return cr.getRandomValues(new Uint8Array(bytesLength))
}
function managedNonce(fn, randomBytes_ = randomBytes) {
  if (typeof fn !== 'function') throw new TypeError('"fn" expected cipher constructor, got type=' + typeof fn)
  if (typeof randomBytes_ !== 'function')
    throw new TypeError('"randomBytes_" expected function, got type=' + typeof randomBytes_)
  const { nonceLength } = fn
  anumber(nonceLength, 'fn.nonceLength')
  const addNonce = (nonce, ciphertext, plaintext) => {
    const out = concatBytes(nonce, ciphertext)
    if (!overlapBytes(plaintext, ciphertext)) ciphertext.fill(0)
    return out
  }
  const res = (key, ...args) => ({
    encrypt(plaintext) {
      abytes(plaintext, undefined, 'data')
      const nonce = randomBytes_(nonceLength)
      const encrypted = fn(key, nonce, ...args).encrypt(plaintext)
      if (encrypted instanceof Promise) return encrypted.then((ct) => addNonce(nonce, ct, plaintext))
      return addNonce(nonce, encrypted, plaintext)
    },
    decrypt(ciphertext) {
      abytes(ciphertext, undefined, 'data')
      const nonce = ciphertext.subarray(0, nonceLength)
      const decrypted = ciphertext.subarray(nonceLength)
      return fn(key, nonce, ...args).decrypt(decrypted)
    },
  })
  if ('blockSize' in fn) res.blockSize = fn.blockSize
  if ('tagLength' in fn) res.tagLength = fn.tagLength
  if ('withAAD' in fn) res.withAAD = fn.withAAD
  return res
}
