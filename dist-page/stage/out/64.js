'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports._DST_scalar = void 0
exports.expand_message_xmd = expand_message_xmd
exports.expand_message_xof = expand_message_xof
exports.hash_to_field = hash_to_field
exports.isogenyMap = isogenyMap
exports.createHasher = createHasher
const utils_js_1 = require('../utils.js')
const modular_js_1 = require('./modular.js')
const os2ip = utils_js_1.bytesToNumberBE
function i2osp(value, length) {
  ;(0, utils_js_1.asafenumber)(value)
  ;(0, utils_js_1.asafenumber)(length)
  if (value < 0 || value >= 1 << (8 * length)) throw new Error('invalid I2OSP input: ' + value)
  const res = Array.from({ length }).fill(0)
  for (let i = length - 1; i >= 0; i--) {
    res[i] = value & 0xff
    value >>>= 8
  }
  return new Uint8Array(res)
}
function strxor(a, b) {
  const arr = new Uint8Array(a.length)
  for (let i = 0; i < a.length; i++) {
    arr[i] = a[i] ^ b[i]
  }
  return arr
}
function normDST(DST) {
  if (!(0, utils_js_1.isBytes)(DST) && typeof DST !== 'string')
    throw new Error('DST must be Uint8Array or ascii string')
  return typeof DST === 'string' ? (0, utils_js_1.asciiToBytes)(DST) : DST
}
function expand_message_xmd(msg, DST, lenInBytes, H) {
  ;(0, utils_js_1.abytes)(msg)
  ;(0, utils_js_1.asafenumber)(lenInBytes)
  DST = normDST(DST)
  if (DST.length > 255) DST = H((0, utils_js_1.concatBytes)((0, utils_js_1.asciiToBytes)('H2C-OVERSIZE-DST-'), DST))
  const { outputLen: b_in_bytes, blockLen: r_in_bytes } = H
  const ell = Math.ceil(lenInBytes / b_in_bytes)
  if (lenInBytes > 65535 || ell > 255) throw new Error('expand_message_xmd: invalid lenInBytes')
  const DST_prime = (0, utils_js_1.concatBytes)(DST, i2osp(DST.length, 1))
  const Z_pad = i2osp(0, r_in_bytes)
  const l_i_b_str = i2osp(lenInBytes, 2)
  const b = new Array(ell)
  const b_0 = H((0, utils_js_1.concatBytes)(Z_pad, msg, l_i_b_str, i2osp(0, 1), DST_prime))
  b[0] = H((0, utils_js_1.concatBytes)(b_0, i2osp(1, 1), DST_prime))
  for (let i = 1; i <= ell; i++) {
    const args = [strxor(b_0, b[i - 1]), i2osp(i + 1, 1), DST_prime]
    b[i] = H((0, utils_js_1.concatBytes)(...args))
  }
  const pseudo_random_bytes = (0, utils_js_1.concatBytes)(...b)
  return pseudo_random_bytes.slice(0, lenInBytes)
}
function expand_message_xof(msg, DST, lenInBytes, k, H) {
  ;(0, utils_js_1.abytes)(msg)
  ;(0, utils_js_1.asafenumber)(lenInBytes)
  DST = normDST(DST)
  if (DST.length > 255) {
    const dkLen = Math.ceil((2 * k) / 8)
    DST = H.create({ dkLen })
      .update((0, utils_js_1.asciiToBytes)('H2C-OVERSIZE-DST-'))
      .update(DST)
      .digest()
  }
  if (lenInBytes > 65535 || DST.length > 255) throw new Error('expand_message_xof: invalid lenInBytes')
  return H.create({ dkLen: lenInBytes })
    .update(msg)
    .update(i2osp(lenInBytes, 2))
    .update(DST)
    .update(i2osp(DST.length, 1))
    .digest()
}
function hash_to_field(msg, count, options) {
  ;(0, utils_js_1.validateObject)(options, {
    p: 'bigint',
    m: 'number',
    k: 'number',
    hash: 'function',
  })
  const { p, k, m, hash, expand, DST } = options
  ;(0, utils_js_1.asafenumber)(hash.outputLen, 'valid hash')
  ;(0, utils_js_1.abytes)(msg)
  ;(0, utils_js_1.asafenumber)(count)
  const log2p = p.toString(2).length
  const L = Math.ceil((log2p + k) / 8)
  const len_in_bytes = count * m * L
  let prb
  if (expand === 'xmd') {
    prb = expand_message_xmd(msg, DST, len_in_bytes, hash)
  } else if (expand === 'xof') {
    prb = expand_message_xof(msg, DST, len_in_bytes, k, hash)
  } else if (expand === '_internal_pass') {
    prb = msg
  } else {
    throw new Error('expand must be "xmd" or "xof"')
  }
  const u = new Array(count)
  for (let i = 0; i < count; i++) {
    const e = new Array(m)
    for (let j = 0; j < m; j++) {
      const elm_offset = L * (j + i * m)
      const tv = prb.subarray(elm_offset, elm_offset + L)
      e[j] = (0, modular_js_1.mod)(os2ip(tv), p)
    }
    u[i] = e
  }
  return u
}
function isogenyMap(field, map) {
  const coeff = map.map((i) => Array.from(i).reverse())
  return (x, y) => {
    const [xn, xd, yn, yd] = coeff.map((val) => val.reduce((acc, i) => field.add(field.mul(acc, x), i)))
    const [xd_inv, yd_inv] = (0, modular_js_1.FpInvertBatch)(field, [xd, yd], true)
    x = field.mul(xn, xd_inv)
    y = field.mul(y, field.mul(yn, yd_inv))
    return { x, y }
  }
}
exports._DST_scalar = (0, utils_js_1.asciiToBytes)('HashToScalar-')
function createHasher(Point, mapToCurve, defaults) {
  if (typeof mapToCurve !== 'function') throw new Error('mapToCurve() must be defined')
  function map(num) {
    return Point.fromAffine(mapToCurve(num))
  }
  function clear(initial) {
    const P = initial.clearCofactor()
    if (P.equals(Point.ZERO)) return Point.ZERO
    P.assertValidity()
    return P
  }
  return {
    defaults: Object.freeze(defaults),
    Point,
    hashToCurve(msg, options) {
      const opts = Object.assign({}, defaults, options)
      const u = hash_to_field(msg, 2, opts)
      const u0 = map(u[0])
      const u1 = map(u[1])
      return clear(u0.add(u1))
    },
    encodeToCurve(msg, options) {
      const optsDst = defaults.encodeDST ? { DST: defaults.encodeDST } : {}
      const opts = Object.assign({}, defaults, optsDst, options)
      const u = hash_to_field(msg, 1, opts)
      const u0 = map(u[0])
      return clear(u0)
    },
    mapToCurve(scalars) {
      if (defaults.m === 1) {
        if (typeof scalars !== 'bigint') throw new Error('expected bigint (m=1)')
        return clear(map([scalars]))
      }
      if (!Array.isArray(scalars)) throw new Error('expected array of bigints')
      for (const i of scalars) if (typeof i !== 'bigint') throw new Error('expected array of bigints')
      return clear(map(scalars))
    },
    hashToScalar(msg, options) {
      const N = Point.Fn.ORDER
      const opts = Object.assign({}, defaults, { p: N, m: 1, DST: exports._DST_scalar }, options)
      return hash_to_field(msg, 1, opts)[0][0]
    },
  }
}
