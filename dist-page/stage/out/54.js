'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.EMPTY = exports.randomBytes = exports.concatBytes = exports.abytes = void 0
exports.equalBytes = equalBytes
exports.copyBytes = copyBytes
exports.validateOpts = validateOpts
exports.validateVerOpts = validateVerOpts
exports.validateSigOpts = validateSigOpts
exports.splitCoder = splitCoder
exports.vecCoder = vecCoder
exports.cleanBytes = cleanBytes
exports.getMask = getMask
exports.getMessage = getMessage
exports.checkHash = checkHash
exports.getMessagePrehash = getMessagePrehash
const utils_js_1 = require('@noble/hashes/utils.js')
Object.defineProperty(exports, 'concatBytes', {
  enumerable: true,
  get: function () {
    return utils_js_1.concatBytes
  },
})
var utils_js_2 = require('@noble/hashes/utils.js')
Object.defineProperty(exports, 'abytes', {
  enumerable: true,
  get: function () {
    return utils_js_2.abytes
  },
})
exports.randomBytes = utils_js_1.randomBytes
function equalBytes(a, b) {
  if (a.length !== b.length) return false
  let diff = 0
  for (let i = 0; i < a.length; i++) diff |= a[i] ^ b[i]
  return diff === 0
}
function copyBytes(bytes) {
  return Uint8Array.from(bytes)
}
function validateOpts(opts) {
  if (typeof opts !== 'object' || opts === null || (0, utils_js_1.isBytes)(opts))
    throw new Error('expected opts to be an object')
}
function validateVerOpts(opts) {
  validateOpts(opts)
  if (opts.context !== undefined) (0, utils_js_1.abytes)(opts.context, undefined, 'opts.context')
}
function validateSigOpts(opts) {
  validateVerOpts(opts)
  if (opts.extraEntropy !== false && opts.extraEntropy !== undefined)
    (0, utils_js_1.abytes)(opts.extraEntropy, undefined, 'opts.extraEntropy')
}
function splitCoder(label, ...lengths) {
  const getLength = (c) => (typeof c === 'number' ? c : c.bytesLen)
  const bytesLen = lengths.reduce((sum, a) => sum + getLength(a), 0)
  return {
    bytesLen,
    encode: (bufs) => {
      const res = new Uint8Array(bytesLen)
      for (let i = 0, pos = 0; i < lengths.length; i++) {
        const c = lengths[i]
        const l = getLength(c)
        const b = typeof c === 'number' ? bufs[i] : c.encode(bufs[i])
        ;(0, utils_js_1.abytes)(b, l, label)
        res.set(b, pos)
        if (typeof c !== 'number') b.fill(0)
        pos += l
      }
      return res
    },
    decode: (buf) => {
      ;(0, utils_js_1.abytes)(buf, bytesLen, label)
      const res = []
      for (const c of lengths) {
        const l = getLength(c)
        const b = buf.subarray(0, l)
        res.push(typeof c === 'number' ? b : c.decode(b))
        buf = buf.subarray(l)
      }
      return res
    },
  }
}
function vecCoder(c, vecLen) {
  const bytesLen = vecLen * c.bytesLen
  return {
    bytesLen,
    encode: (u) => {
      if (u.length !== vecLen) throw new Error(`vecCoder.encode: wrong length=${u.length}. Expected: ${vecLen}`)
      const res = new Uint8Array(bytesLen)
      for (let i = 0, pos = 0; i < u.length; i++) {
        const b = c.encode(u[i])
        res.set(b, pos)
        b.fill(0)
        pos += b.length
      }
      return res
    },
    decode: (a) => {
      ;(0, utils_js_1.abytes)(a, bytesLen)
      const r = []
      for (let i = 0; i < a.length; i += c.bytesLen) r.push(c.decode(a.subarray(i, i + c.bytesLen)))
      return r
    },
  }
}
function cleanBytes(...list) {
  for (const t of list) {
    if (Array.isArray(t)) for (const b of t) b.fill(0)
    else t.fill(0)
  }
}
function getMask(bits) {
  return (1 << bits) - 1
}
exports.EMPTY = Uint8Array.of()
function getMessage(msg, ctx = exports.EMPTY) {
  ;(0, utils_js_1.abytes)(msg)
  ;(0, utils_js_1.abytes)(ctx)
  if (ctx.length > 255) throw new Error('context should be less than 255 bytes')
  return (0, utils_js_1.concatBytes)(new Uint8Array([0, ctx.length]), ctx, msg)
}
const oidNistP = Uint8Array.from([6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2])
function checkHash(hash, requiredStrength = 0) {
  if (!hash.oid || !equalBytes(hash.oid.subarray(0, 10), oidNistP))
    throw new Error('hash.oid is invalid: expected NIST hash')
  const collisionResistance = (hash.outputLen * 8) / 2
  if (requiredStrength > collisionResistance) {
    throw new Error('Pre-hash security strength too low: ' + collisionResistance + ', required: ' + requiredStrength)
  }
}
function getMessagePrehash(hash, msg, ctx = exports.EMPTY) {
  ;(0, utils_js_1.abytes)(msg)
  ;(0, utils_js_1.abytes)(ctx)
  if (ctx.length > 255) throw new Error('context should be less than 255 bytes')
  const hashed = hash(msg)
  return (0, utils_js_1.concatBytes)(new Uint8Array([1, ctx.length]), ctx, hash.oid, hashed)
}
